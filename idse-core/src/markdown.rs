//! The only Markdown parser: headings, code and comments of a text, each with its span.
