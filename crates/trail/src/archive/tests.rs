mod chains;
mod delivery;
mod house;
