//! `records!`: values that this SDK makes itself, written as lists of fields like those of `model!`. No server adds fields to
//! them.

/// Declares records.
macro_rules! records {
    (in $topic:ident; $($rest:tt)*) => {
        $crate::schema::records!(@ concat!(module_path!(), "::", stringify!($topic)); $($rest)*);
    };
    (@ $module:expr; $($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $fdoc:literal])* $field:ident: $type:ty,)* })*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[doc = $fdoc])* pub $field: $type,)*
        }

        #[cfg(feature = "bindings")]
        impl $crate::schema::Described for $name {
            const TYPE: $crate::schema::Type = $crate::schema::Type::Model(&$crate::schema::Model {
                name: stringify!($name),
                docs: concat!($($doc, "\n"),*),
                fields: &[$($crate::schema::ModelField {
                    name: stringify!($field),
                    ty: <$type as $crate::schema::Described>::TYPE,
                    docs: concat!($($fdoc, "\n"),*),
                    wide: <$type as $crate::schema::Described>::WIDE,
                },)*],
                module: $module,
                open: false,
            });
        }
    )*};
    ($($rest:tt)*) => { $crate::schema::records!(@ module_path!(); $($rest)*); };
}
pub(crate) use records;
