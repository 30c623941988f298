//! A section of the configuration is declared once, as a table of its settings: name, type, default, text. From that come the
//! struct, its defaults and its reader, and what is generated for people: example, reference, schema, and what a reload does.

use std::borrow::Cow;

use super::section::Section;
use super::value::Kind;

/// One setting.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The key.
    pub name: Cow<'static, str>,
    /// The type.
    pub kind: Kind,
    /// The default, as it is written in TOML.
    pub default: Option<Cow<'static, str>>,
    /// A value to show in the place of the default.
    pub example: Option<Cow<'static, str>>,
    /// The least and the most that it may be.
    pub range: (Option<Cow<'static, str>>, Option<Cow<'static, str>>),
    /// Whether the example configuration has it, and not as a comment.
    pub is_given: bool,
    /// Whether it must be set.
    pub is_required: bool,
    /// Whether a reload puts a change in force; otherwise it waits for a restart.
    pub on_reload: bool,
    /// What it is, for people.
    pub text: Cow<'static, str>,
}

impl Setting {
    /// A setting of this name, type and text.
    pub fn new(name: impl Into<Cow<'static, str>>, kind: Kind, text: impl Into<Cow<'static, str>>) -> Self {
        let (name, text) = (name.into(), text.into());
        let text = text.trim().to_owned().into();
        Self {
            name,
            kind,
            default: None,
            example: None,
            range: (None, None),
            is_given: false,
            is_required: false,
            on_reload: true,
            text,
        }
    }
}

/// The settings of one section.
#[derive(Clone, Debug)]
pub struct SectionTable {
    /// The dotted path. A name that is free stands in angle brackets, as an example: `tenants.<acme>`.
    pub path: Cow<'static, str>,
    /// What the section is for.
    pub text: Cow<'static, str>,
    /// The settings, in the order in which people should read them.
    pub settings: Vec<Setting>,
}

impl SectionTable {
    /// The same settings at another path, for something else.
    #[must_use]
    pub fn at(self, path: impl Into<Cow<'static, str>>, text: &'static str) -> Self {
        Self { path: path.into(), text: text.into(), ..self }
    }

    /// With further settings.
    #[must_use]
    pub fn with(mut self, settings: impl IntoIterator<Item = Setting>) -> Self {
        self.settings.extend(settings);
        self
    }
}

/// The struct of a section that is declared by [`section!`].
pub trait SectionSettings: Default {
    /// What is declared.
    fn table() -> SectionTable;

    /// Reads the section over these values.
    #[must_use]
    fn over(self, section: &Section<'_>) -> Self;

    /// Reads the section over the defaults.
    fn read(section: &Section<'_>) -> Self {
        Self::default().over(section)
    }

    /// The settings that differ and wait for a restart, in a section of which the others do not.
    fn waiting(&self, other: &Self) -> Vec<&'static str>;
}

/// Declares a section: `key: Type = default;`, with, in this order,
///
/// - `("key")` behind the field if the key is another one,
/// - `as Kind` if the type is read as another one,
/// - `from least to most else "what is wrong"`,
/// - `example` for a value to show, or `given` for one that the example configuration has,
/// - `required "what it is"` for a text that must be there,
/// - `by function` for a reader of its own,
/// - `after restart` in a section that a reload puts in force otherwise.
///
/// What the struct has beside the settings stands behind `and`, with its reader if it is read from the section.
macro_rules! section {
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
    (@kind $type:ty) => { $type };
    (@kind $type:ty, $kind:ty) => { $kind };
    (@default $kind:ty,) => { Default::default() };
    (@default $kind:ty, $default:tt) => { $crate::settings::written::<$kind>(stringify!($default)).into() };
    (@read $section:ident $old:expr, $key:expr, $kind:ty,,) => { $section.get::<$kind>($key).map_or($old, Into::into) };
    (@read $section:ident $old:expr, $key:expr, $kind:ty, $least:literal $($most:literal)? else $wrong:literal,) => {
        $crate::settings::read_within::<$kind>(
            $section, $key, stringify!($least), None $(.or(Some(stringify!($most))))?, $wrong,
        ).map_or($old, Into::into)
    };
    (@read $section:ident $old:expr, $key:expr, $kind:ty,, required $help:literal) => {
        $section.required_text($key, $help)
    };
    (@read $section:ident $old:expr, $key:expr, $kind:ty,, by $reader:path) => { $reader($section) };
    (@read $section:ident $old:expr, $key:expr, $kind:ty,, required $help:literal by $reader:path) => {
        $reader($section, $help)
    };
    (@more $section:ident $old:expr) => { $old };
    (@more $section:ident $old:expr, $reader:expr) => { $reader($section) };
    (@on reload) => { true };
    (@on restart) => { false };
    (@waits [] $name:expr, $one:expr, $other:expr) => { None::<&'static str> };
    (@waits [restart] $name:expr, $one:expr, $other:expr) => { ($one != $other).then_some($name) };
    (
        $(#[doc = $about:literal])*
        #[derive($($derive:ident),+)]
        $visible:vis struct $name:ident in $path:literal on $effect:ident {
            $(
                $(#[doc = $text:literal])*
                $field:ident $(($key:literal))? : $type:ty $(as $kind:ty)? $(= $default:tt)?
                $(, from $least:literal $(to $most:literal)? else $wrong:literal)?
                $(, example $example:tt)?
                $(, given $given:tt)?
                $(, required $help:literal)?
                $(, by $reader:path)?
                $(, after $own_effect:ident)?
                ;
            )*
        }
        $(and { $($(#[doc = $more_text:literal])* $more:ident : $more_type:ty $(= $more_reader:expr)?;)* })?
    ) => {
        $(#[doc = $about])*
        #[derive($($derive),+)]
        $visible struct $name {
            $($(#[doc = $text])* pub $field: $type,)*
            $($($(#[doc = $more_text])* pub $more: $more_type,)*)?
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($field: section!(@default section!(@kind $type $(, $kind)?), $($default)?),)*
                    $($($more: Default::default(),)*)?
                }
            }
        }

        impl $crate::settings::SectionSettings for $name {
            fn table() -> $crate::settings::SectionTable {
                let settings = vec![$({
                    let kind = <section!(@kind $type $(, $kind)?) as $crate::settings::SettingValue>::kind();
                    let name = section!(@key $field $($key)?);
                    $crate::settings::Setting {
                        default: None $(.or(Some(stringify!($default).into())))?,
                        example: None $(.or(Some(stringify!($example).into())))? $(.or(Some(stringify!($given).into())))?,
                        range: (
                            None $(.or(Some(stringify!($least).into())))?,
                            None $($(.or(Some(stringify!($most).into())))?)?,
                        ),
                        is_given: false $(|| !stringify!($given).is_empty())?,
                        is_required: false $(|| !$help.is_empty())?,
                        on_reload: section!(@on $effect) $(&& section!(@on $own_effect))?,
                        ..$crate::settings::Setting::new(name, kind, concat!($($text),*))
                    }
                }),*];
                $crate::settings::SectionTable { path: $path.into(), text: concat!($($about),*).trim().into(), settings }
            }

            fn over(self, section: &$crate::settings::Section<'_>) -> Self {
                Self {
                    $($field: section!(
                        @read section self.$field, section!(@key $field $($key)?), section!(@kind $type $(, $kind)?),
                        $($least $($most)? else $wrong)?, $(required $help)? $(by $reader)?
                    ),)*
                    $($($more: section!(@more section self.$more $(, $more_reader)?),)*)?
                }
            }

            fn waiting(&self, _other: &Self) -> Vec<&'static str> {
                [$(section!(
                    @waits [$($own_effect)?] concat!($path, ".", section!(@key $field $($key)?)), self.$field, _other.$field
                )),*].into_iter().flatten().collect()
            }
        }
    };
}
pub(crate) use section;
