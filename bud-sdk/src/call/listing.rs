//! A list that was read to its end.

use std::ops::{Deref, DerefMut};

use serde::{Serialize, Serializer};

use crate::types::Warning;

/// All items of a list, and what is worth knowing of them. It is used like a `Vec`.
#[derive(Debug, Clone)]
pub struct Listing<T> {
    pub(super) items: Vec<T>,
    pub(super) warnings: Vec<Warning>,
}

impl<T> Listing<T> {
    /// What is worth knowing of the list: that it changed while it was read, or what the server does not show.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The items alone.
    pub fn into_vec(self) -> Vec<T> {
        self.items
    }
}

impl<T> Deref for Listing<T> {
    type Target = Vec<T>;
    fn deref(&self) -> &Vec<T> {
        &self.items
    }
}

impl<T> DerefMut for Listing<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.items
    }
}

impl<T> From<Listing<T>> for Vec<T> {
    fn from(listing: Listing<T>) -> Self {
        listing.items
    }
}

impl<T> IntoIterator for Listing<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Listing<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl<T: PartialEq> PartialEq<Vec<T>> for Listing<T> {
    fn eq(&self, other: &Vec<T>) -> bool {
        self.items == *other
    }
}

impl<T: Serialize> Serialize for Listing<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.items.serialize(serializer)
    }
}
