//! Libraries in C that are looked for when they are needed: nothing of them is needed to build this.

use std::io;

/// Declares a struct of functions of a library, and how they are loaded.
macro_rules! functions {
    ($(#[$meta:meta])* struct $name:ident of $file:literal in $package:literal {
        $($field:ident: $symbol:literal = fn($($argument:ty),*) -> $result:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        struct $name {
            $($field: unsafe extern "C" fn($($argument),*) -> $result,)*
        }

        impl $name {
            /// Loads the library for good.
            fn load() -> std::io::Result<Self> {
                let library = crate::transport::peers::library::open($file, $package)?;
                Ok(Self {
                    // SAFETY: the struct gives each function the type that the header of this version of
                    // the library declares, and the library is never unloaded.
                    $($field: *unsafe { library.get($symbol) }.map_err(crate::transport::peers::failed)?,)*
                })
            }
        }
    };
}
pub(super) use functions;

/// Opens a library for good; whoever has it not is told which package of Debian's has it.
pub(super) fn open(file: &str, package: &str) -> io::Result<&'static libloading::Library> {
    // SAFETY: what the libraries that are named here run when they are loaded asks for nothing.
    match unsafe { libloading::Library::new(file) } {
        Ok(library) => Ok(Box::leak(Box::new(library))),
        Err(error) => Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("{file} is not to be had: {error}; install it: apt-get install {package}"),
        )),
    }
}
