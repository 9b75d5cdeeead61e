//! The standard procedures, by topic.
