//! A value that must not be seen: zeroed when dropped, without `Debug`, `Display`, `Clone` or `==`.

use zeroize::Zeroize;

/// Holds a secret. Every read goes through [`Secret::expose`], so that every read can be found.
///
/// ```compile_fail
/// let secret = strongroom::Secret::new(String::from("hunter2"));
/// println!("{secret:?}");
/// ```
/// ```compile_fail
/// let secret = strongroom::Secret::new(String::from("hunter2"));
/// let copy = secret.clone();
/// ```
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes a value into hiding.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Shows the value.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// Shows the value for change in place.
    pub fn expose_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
