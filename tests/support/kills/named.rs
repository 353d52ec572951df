//! Enumerations whose values have names: those of tests, and words that are passed to
//! other processes.

/// Declares an enumeration with `ALL` of its values and their names.
macro_rules! named {
    ($(#[$attribute:meta])* $visibility:vis enum $type:ident { $($(#[$doc:meta])* $value:ident $name:literal,)* }) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $visibility enum $type { $($(#[$doc])* $value),* }

        impl $type {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$value),*];

            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$value => $name),* }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $type {
            type Err = ();

            fn from_str(name: &str) -> Result<Self, ()> {
                Self::ALL.iter().copied().find(|value| value.name() == name).ok_or(())
            }
        }
    };
}
pub(crate) use named;
