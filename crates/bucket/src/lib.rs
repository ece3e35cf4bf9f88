pub mod outside;
