//! Which statements are decided, by which cases.

use crate::{Case, Statement, cases, excused};

/// What there is about one statement.
#[derive(Clone, Debug)]
pub enum Coverage {
    /// These cases decide it.
    Decided(Vec<&'static Case>),
    /// No case can, for this reason.
    Excused(&'static str),
    /// Nothing: a hole in the suite.
    Open,
}

/// Every statement of both standards.
pub fn coverage() -> Vec<(&'static Statement, Coverage)> {
    Statement::all().iter().map(|statement| (statement, of(statement))).collect()
}

fn of(statement: &'static Statement) -> Coverage {
    let decides = |case: &&'static Case| case.statements(statement.version).any(|decided| decided == statement);
    match (cases::all().filter(decides).collect::<Vec<_>>(), excused::reason(statement)) {
        (cases, _) if !cases.is_empty() => Coverage::Decided(cases),
        (_, Some(reason)) => Coverage::Excused(reason),
        (_, None) => Coverage::Open,
    }
}
