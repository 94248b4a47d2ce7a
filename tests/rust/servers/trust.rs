//! Nobody gets a key who was not meant to.
