//! The one integration binary: every test outside `src` is a module of it.
