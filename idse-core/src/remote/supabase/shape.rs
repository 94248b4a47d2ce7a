//! The shape of the table, learned from its answers: which columns it has, and by what a write can be guarded.

use std::collections::BTreeSet;

use super::failure::Code;
use super::row::META;
use crate::remote::Guard;
use crate::stage::Stage;

/// The columns that a table may lack.
const OPTIONAL: [&str; 5] = ["stack", "framework", "updated_at", "created_at", META];

/// What is known of a table. It begins with the best that a table can be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Shape {
    /// `xmin` cannot be read: a view, or rights column by column.
    no_xmin: bool,
    /// Not every column may be read, so each is asked for by name.
    by_name: bool,
    missing: BTreeSet<&'static str>,
}

impl Shape {
    pub(super) fn guard(&self) -> Guard {
        if !self.no_xmin {
            Guard::RowVersion
        } else if self.has("updated_at") {
            Guard::UpdatedAt
        } else {
            Guard::None
        }
    }

    pub(super) fn has(&self, column: &str) -> bool {
        !self.missing.contains(column)
    }

    pub(super) fn lose_xmin(&mut self) {
        self.no_xmin = true;
    }

    /// Returns the columns of a whole row.
    pub(super) fn row_columns(&self) -> String {
        let columns = if self.by_name { self.named(&all_columns()) } else { "*".to_owned() };
        if self.no_xmin { columns } else { format!("{columns},xmin") }
    }

    /// Returns the columns of an answer to a write, and of `more`.
    pub(super) fn written_columns<'a>(&self, more: impl Iterator<Item = &'a str>) -> String {
        let mut columns = vec!["id"];
        columns.extend((!self.no_xmin).then_some("xmin"));
        columns.extend(self.has("updated_at").then_some("updated_at"));
        columns.extend(more);
        columns.join(",")
    }

    /// Returns the columns of a line in a list.
    pub(super) fn list_columns(&self) -> String {
        self.named(&["id", "name", "stack", "framework", "updated_at", "state_json"])
    }

    fn named(&self, columns: &[&str]) -> String {
        columns.iter().copied().filter(|column| self.has(column)).collect::<Vec<_>>().join(",")
    }

    /// Learns from the refusal of a read; tells whether asking again makes sense.
    ///
    /// `asked` is the shape that the question was made for: another thread may have learned the same meanwhile.
    pub(super) fn learn_from_read(&mut self, asked: &Self, code: &Code) -> bool {
        match code.code.as_str() {
            "42703" if code.names_column("xmin") => self.lose_hidden_version(asked),
            "42703" => self.lose_column(asked, code).is_some(),
            "42501" => self.suspect_column_rights(asked, code),
            _ => false,
        }
    }

    /// Learns from the refusal of a write, which then wrote nothing; returns the column that is not there.
    pub(super) fn learn_from_write(&mut self, asked: &Self, code: &Code) -> Option<&'static str> {
        match code.code.as_str() {
            "42703" if code.names_column("xmin") => self.lose_hidden_version(asked).then_some("xmin"),
            "42703" | "PGRST204" => self.lose_column(asked, code),
            "42501" => self.suspect_column_rights(asked, code).then_some("xmin"),
            _ => None,
        }
    }

    fn lose_hidden_version(&mut self, asked: &Self) -> bool {
        self.no_xmin = true;
        !asked.no_xmin
    }

    /// Rights column by column refuse both `*` and the hidden version. Where asking by name is refused too, the
    /// caller has no right at all, and nothing was learned about the table.
    fn suspect_column_rights(&mut self, asked: &Self, code: &Code) -> bool {
        let may_be = !asked.by_name && code.message.starts_with("permission denied");
        if may_be || asked.by_name {
            self.by_name = may_be;
            self.no_xmin = may_be;
        }
        may_be
    }

    fn lose_column(&mut self, asked: &Self, code: &Code) -> Option<&'static str> {
        let column = Stage::ALL
            .map(Stage::column)
            .into_iter()
            .chain(OPTIONAL)
            .find(|column| code.names_column(column) && asked.has(column))?;
        self.missing.insert(column);
        Some(column)
    }
}

fn all_columns() -> Vec<&'static str> {
    let mut columns = vec!["id", "name", "stack", "framework", "state_json", "updated_at"];
    columns.extend(Stage::ALL.map(Stage::column));
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(code: &str, message: &str) -> Code {
        Code { code: code.into(), message: message.into(), ..Code::default() }
    }

    fn learn_from_read(shape: &mut Shape, code: &Code) -> bool {
        let asked = shape.clone();
        shape.learn_from_read(&asked, code)
    }

    fn learn_from_write(shape: &mut Shape, code: &Code) -> Option<&'static str> {
        let asked = shape.clone();
        shape.learn_from_write(&asked, code)
    }

    #[test]
    fn what_another_thread_learned_meanwhile_is_a_reason_to_ask_again() {
        let asked = Shape::default();
        let mut shape = Shape::default();
        let no_xmin = code("42703", "column projects.xmin does not exist");
        let missing = code("PGRST204", "Could not find the 'framework' column of 'projects'");
        for _ in 0..2 {
            assert!(shape.learn_from_read(&asked, &no_xmin));
            assert_eq!(shape.learn_from_write(&asked, &missing), Some("framework"));
        }
        let asked = shape.clone();
        assert!(!shape.learn_from_read(&asked, &no_xmin));
        assert_eq!(shape.learn_from_write(&asked, &missing), None);
    }

    #[test]
    fn a_view_is_guarded_by_its_time_stamp_and_nothing_without_one() {
        let mut shape = Shape::default();
        assert_eq!((shape.guard(), shape.row_columns().as_str()), (Guard::RowVersion, "*,xmin"));
        assert!(learn_from_read(&mut shape, &code("42703", "column projects.xmin does not exist")));
        assert_eq!((shape.guard(), shape.row_columns().as_str()), (Guard::UpdatedAt, "*"));
        assert!(!learn_from_read(&mut shape, &code("42703", "column projects.xmin does not exist")));
        let missing =
            code("PGRST204", "Could not find the 'updated_at' column of 'projects' in the schema cache");
        assert_eq!(learn_from_write(&mut shape, &missing), Some("updated_at"));
        assert_eq!((shape.guard(), shape.written_columns([].into_iter())), (Guard::None, "id".into()));
    }

    #[test]
    fn a_column_is_lost_once_and_only_where_it_may_be() {
        let mut shape = Shape::default();
        let missing =
            |column: &str| code("PGRST204", &format!("Could not find the '{column}' column of 'projects'"));
        assert_eq!(learn_from_write(&mut shape, &missing("implementation_md")), Some("implementation_md"));
        assert_eq!(learn_from_write(&mut shape, &missing("implementation_md")), None);
        assert_eq!(learn_from_write(&mut shape, &missing("state_json")), None);
        assert_eq!(learn_from_write(&mut shape, &missing("name")), None);
        assert!(!shape.has("implementation_md") && shape.has("spec_md"));
    }

    #[test]
    fn rights_column_by_column_ask_by_name() {
        let mut shape = Shape::default();
        let denied = code("42501", "permission denied for table projects");
        assert!(learn_from_read(&mut shape, &denied));
        assert!(!learn_from_read(&mut shape, &denied));
        assert_eq!(shape, Shape::default(), "who may do nothing teaches nothing");
        let policy = code("42501", "new row violates row-level security policy for table \"projects\"");
        assert_eq!(learn_from_write(&mut shape, &policy), None);
        assert_eq!(learn_from_write(&mut shape, &denied), Some("xmin"));
        assert!(shape.row_columns().starts_with("id,name,") && !shape.row_columns().contains("xmin"));
        assert!(learn_from_read(&mut shape, &code("42703", "column projects.framework does not exist")));
        assert!(!shape.row_columns().contains("framework"));
    }
}
