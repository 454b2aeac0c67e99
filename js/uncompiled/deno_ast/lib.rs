//! Empty: nothing that is compiled depends on it.
