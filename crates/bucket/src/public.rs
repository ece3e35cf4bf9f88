//! Which bucket policies are public, as Block Public Access means it.

/// Whether a policy lets anybody in: an `Allow` for everybody without a condition that
/// binds the caller's place to a fixed value.
pub(crate) fn is_public(policy: &str) -> bool {
    unimplemented!()
}
