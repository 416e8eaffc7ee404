//! What a parsed document would make the validator and the executor do.
//!
//! Both visit a fragment anew wherever it is spread: 24 spreads built into a tower bring them 3^7 times to its foot. The
//! library's own limits on size and depth are found out by the same visits. Here each fragment is measured once.
//!
//! A repeated field is run again, as if it had an alias. Where its arguments differ, the validator makes an error for
//! each of them, and all of these again for each inline fragment around: 3 KB of that cost 6 s and 2 GB. So repeats are
//! counted as aliases are.
//!
//! Introspection can walk from types to fields to types for ever. What it needs to describe the schema is one step, as
//! in the standard query; graphql-js bounds it in the same manner.

use std::collections::{HashMap, HashSet};

use async_graphql::Positioned;
use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Field, OperationType, Selection, SelectionSet, VariableDefinition,
};

use super::{Refusal, count};

/// Looks through a document that the parser has read.
pub(super) fn inspect(document: &ExecutableDocument) -> Result<(), Refusal> {
    let mut sizes = Sizes {
        document,
        of_fragments: HashMap::new(),
    };
    let mut selections = 0;
    for (_, operation) in document.operations.iter() {
        selections += sizes.of(&operation.node.selection_set.node)?;
        bounded(selections)?;
    }
    for name in document.fragments.keys() {
        sizes.of_fragment(name)?;
    }
    // What follows goes into fragments again and again; by now it is known that this ends soon.
    let mut repeats = 0;
    for (_, operation) in document.operations.iter() {
        let root = &operation.node.selection_set.node;
        let (most, refusal) = match operation.node.ty {
            // Each answers for itself: an error of one would hide that another was done.
            OperationType::Mutation => (1, Refusal::Mutations),
            _ => (MAX_ROOT_FIELDS, Refusal::RootFields),
        };
        let mut root_fields = 0;
        for_each_field(document, root, None, &mut |_, _| {
            count(&mut root_fields, most, refusal)
        })?;
        count_repeats(document, root, &mut repeats)?;
        bound_introspection(document, root, None)?;
        if operation
            .node
            .variable_definitions
            .iter()
            .any(is_list_with_default)
        {
            return Err(Refusal::ListDefault);
        }
    }
    for fragment in document.fragments.values() {
        count_repeats(document, &fragment.node.selection_set.node, &mut repeats)?;
    }
    Ok(())
}

/// How many selections stand below a selection set, with all that is spread into it.
struct Sizes<'a> {
    document: &'a ExecutableDocument,
    /// `None` while the fragment is being measured.
    of_fragments: HashMap<&'a str, Option<usize>>,
}

impl<'a> Sizes<'a> {
    fn of(&mut self, set: &'a SelectionSet) -> Result<usize, Refusal> {
        let mut size = 0;
        for selection in &set.items {
            size += 1 + match &selection.node {
                Selection::Field(field) => self.of(&field.node.selection_set.node)?,
                Selection::InlineFragment(inline) => self.of(&inline.node.selection_set.node)?,
                Selection::FragmentSpread(spread) => {
                    self.of_fragment(&spread.node.fragment_name.node)?
                }
            };
            bounded(size)?;
        }
        Ok(size)
    }

    fn of_fragment(&mut self, name: &'a str) -> Result<usize, Refusal> {
        match self.of_fragments.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(Refusal::Cycle),
            None => {}
        }
        // The validator has the words for one that does not exist.
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(0);
        };
        self.of_fragments.insert(name, None);
        let size = self.of(&fragment.node.selection_set.node)?;
        self.of_fragments.insert(name, Some(size));
        Ok(size)
    }
}

fn bounded(selections: usize) -> Result<(), Refusal> {
    if selections > MAX_SELECTIONS {
        Err(Refusal::Selections)
    } else {
        Ok(())
    }
}

/// Counts what is repeated in a selection set, and in those below it.
fn count_repeats(
    document: &ExecutableDocument,
    set: &SelectionSet,
    repeats: &mut usize,
) -> Result<(), Refusal> {
    let mut seen = HashSet::new();
    for_each_field(document, set, None, &mut |on, field| {
        if seen.insert((on, field.response_key().node.as_str())) {
            Ok(())
        } else {
            count(repeats, MAX_REPEATS, Refusal::Repeats)
        }
    })?;
    set.items
        .iter()
        .try_for_each(|selection| match &selection.node {
            Selection::Field(field) => {
                count_repeats(document, &field.node.selection_set.node, repeats)
            }
            Selection::InlineFragment(inline) => {
                count_repeats(document, &inline.node.selection_set.node, repeats)
            }
            Selection::FragmentSpread(_) => Ok(()),
        })
}

/// Visits the fields that are asked of one and the same object, with the type on which their fragment stands.
fn for_each_field<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    on: Option<&'a str>,
    visit: &mut impl FnMut(Option<&'a str>, &'a Field) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    set.items
        .iter()
        .try_for_each(|selection| match &selection.node {
            Selection::Field(field) => visit(on, &field.node),
            Selection::InlineFragment(inline) => {
                let on = inline
                    .node
                    .type_condition
                    .as_ref()
                    .map(|on| on.node.on.node.as_str());
                for_each_field(document, &inline.node.selection_set.node, on, visit)
            }
            Selection::FragmentSpread(spread) => {
                match document.fragments.get(&spread.node.fragment_name.node) {
                    None => Ok(()),
                    Some(fragment) => {
                        let on = fragment.node.type_condition.node.on.node.as_str();
                        for_each_field(document, &fragment.node.selection_set.node, Some(on), visit)
                    }
                }
            }
        })
}

/// Refuses a list of fields or types below another one of the same introspection; `lists` is how many are around, and
/// `None` outside of it.
fn bound_introspection(
    document: &ExecutableDocument,
    set: &SelectionSet,
    lists: Option<usize>,
) -> Result<(), Refusal> {
    set.items
        .iter()
        .try_for_each(|selection| match &selection.node {
            Selection::Field(field) => {
                let lists = match (field.node.name.node.as_str(), lists) {
                    ("__schema" | "__type", _) => Some(0),
                    ("fields" | "inputFields" | "interfaces" | "possibleTypes", Some(around)) => {
                        Some(around + 1)
                    }
                    _ => lists,
                };
                if lists.is_some_and(|lists| lists > MAX_INTROSPECTION_LISTS) {
                    return Err(Refusal::Introspection);
                }
                bound_introspection(document, &field.node.selection_set.node, lists)
            }
            Selection::InlineFragment(inline) => {
                bound_introspection(document, &inline.node.selection_set.node, lists)
            }
            Selection::FragmentSpread(spread) => {
                match document.fragments.get(&spread.node.fragment_name.node) {
                    None => Ok(()),
                    Some(fragment) => {
                        bound_introspection(document, &fragment.node.selection_set.node, lists)
                    }
                }
            }
        })
}

/// The library panics at such a default where it does not know the type of what is in the list.
fn is_list_with_default(variable: &Positioned<VariableDefinition>) -> bool {
    matches!(variable.node.var_type.node.base, BaseType::List(_))
        && variable.node.default_value.is_some()
}

/// Two standard introspection queries would fit; what they ask of each type grows with the schema.
pub(super) const MAX_SELECTIONS: usize = 500;
pub(super) const MAX_REPEATS: usize = 64;
/// Each is a use case of its own, and some of them hash passwords.
pub(super) const MAX_ROOT_FIELDS: usize = 20;
const MAX_INTROSPECTION_LISTS: usize = 1;

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn looked_through(document: &str) -> Result<(), Refusal> {
        inspect(&parse_query(document).unwrap())
    }

    /// `most` of something are let through, one more is not.
    fn bounds(most: usize, refusal: Refusal, document: impl Fn(usize) -> String) {
        assert_eq!(looked_through(&document(most)), Ok(()));
        assert_eq!(looked_through(&document(most + 1)), Err(refusal));
    }

    fn distinct(fields: usize) -> String {
        (0..fields).fold(String::new(), |text, number| text + &format!("f{number} "))
    }

    #[test]
    fn selections_count_wherever_they_are_spread() {
        bounds(498, Refusal::Selections, |most| {
            format!("{{ a {{ {} b }} }}", distinct(most))
        });
        bounds(248, Refusal::Selections, |most| {
            let fragment = format!("fragment F on T {{ {} }}", distinct(most));
            format!("{{ a {{ ...F }} b {{ ...F }} }} {fragment}")
        });
        bounds(498, Refusal::Selections, |most| {
            format!("query A {{ a {{ {} }} }} query B {{ b }}", distinct(most))
        });
        bounds(500, Refusal::Selections, |most| {
            format!("{{ a }} fragment Unused on T {{ {} }}", distinct(most))
        });
    }

    #[test]
    fn a_tower_of_fragments_is_measured_in_no_time() {
        let floors = (0..600).fold(String::new(), |text, floor| {
            text + &format!("fragment F{floor} on T {{ ...F{0} ...F{0} }} ", floor + 1)
        });
        let tower = format!("{{ ...F0 }} {floors} fragment F600 on T {{ a }}");
        assert_eq!(looked_through(&tower), Err(Refusal::Selections));
    }

    #[test]
    fn a_fragment_must_not_reach_itself() {
        for cyclic in [
            "{ ...A } fragment A on T { ...A }",
            "{ ...A } fragment A on T { b { ...B } } fragment B on T { ... { ...A } }",
            "{ a } fragment A on T { ...B } fragment B on T { ...A }",
        ] {
            assert_eq!(looked_through(cyclic), Err(Refusal::Cycle), "{cyclic}");
        }
        assert_eq!(looked_through("{ ...Absent }"), Ok(()));
    }

    #[test]
    fn repeats_count_through_fragments() {
        bounds(64, Refusal::Repeats, |most| {
            format!("{{ a {{ {} }} }}", "b ".repeat(most + 1))
        });
        bounds(64, Refusal::Repeats, |most| {
            format!("{{ a {{ b: c {} }} }}", "b ".repeat(most))
        });
        bounds(64, Refusal::Repeats, |most| {
            format!(
                "{{ a {{ ...F ...F }} }} fragment F on T {{ {} }}",
                distinct(most)
            )
        });
        // Once for the set inside, once for the one around it.
        bounds(32, Refusal::Repeats, |most| {
            format!("{{ a {{ ... {{ b {} }} }} }}", "b ".repeat(most))
        });
        let apart =
            "{ a { ... on T { b } ... on U { b } c { b } d { b } } }".replace("b ", &distinct(65));
        assert_eq!(looked_through(&apart), Ok(()));
    }

    #[test]
    fn root_fields_count_through_fragments() {
        bounds(20, Refusal::RootFields, |most| {
            format!("{{ {} }}", distinct(most))
        });
        bounds(20, Refusal::RootFields, |most| {
            format!(
                "{{ ...F ... on T {{ a }} }} fragment F on T {{ {} }}",
                distinct(most - 1)
            )
        });
        let two = format!("query A {{ {0} }} query B {{ {0} }}", distinct(20));
        assert_eq!(looked_through(&two), Ok(()));
    }

    #[test]
    fn one_thing_is_changed_at_a_time() {
        bounds(1, Refusal::Mutations, |most| {
            format!("mutation {{ {} }}", distinct(most))
        });
        let spread = "mutation { ...F } fragment F on Mutation { a b }";
        assert_eq!(looked_through(spread), Err(Refusal::Mutations));
    }

    #[test]
    fn introspection_walks_one_step() {
        for walk in [
            "{ __schema { types { fields { type { fields { name } } } } } }",
            "{ __type(name: \"T\") { fields { type { ...F } } } } fragment F on __Type { inputFields { name } }",
            "{ __schema { types { possibleTypes { ... { interfaces { name } } } } } }",
        ] {
            assert_eq!(looked_through(walk), Err(Refusal::Introspection), "{walk}");
        }
        for step in [
            "{ __schema { types { fields { args { type { ofType { name } } } } inputFields { name } } } }",
            "{ fields { fields { fields { name } } } }",
        ] {
            assert_eq!(looked_through(step), Ok(()), "{step}");
        }
    }

    #[test]
    fn a_list_has_no_default() {
        assert_eq!(
            looked_through("query($a: [T] = [1]) { a }"),
            Err(Refusal::ListDefault)
        );
        assert_eq!(
            looked_through("query($a: [T!]!, $b: T = [1]) { a }"),
            Ok(())
        );
    }
}
