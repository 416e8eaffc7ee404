"""The stand-in's slice of the interface is the platform's: compared with the definition that its makers publish.

That definition is no part of the project. Where it is at hand, PLATFORM_DEFINITION names its file; without the variable
this file is not collected.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    is_introspection_type,
    is_specified_scalar_type,
)

from stand_in import PLATFORM

SLICE = {
    name: kind
    for name, kind in PLATFORM.type_map.items()
    if not is_introspection_type(kind) and not is_specified_scalar_type(kind)
}


@pytest.fixture(scope="module")
def published() -> GraphQLSchema:
    """The platform's interface, as its makers publish it."""
    return build_schema(Path(os.environ["PLATFORM_DEFINITION"]).read_text())


@pytest.mark.parametrize("name", SLICE)
def test_a_type_of_the_slice_is_the_platforms(published: GraphQLSchema, name: str) -> None:
    ours, theirs = SLICE[name], published.type_map.get(name)
    assert type(ours) is type(theirs)
    if isinstance(ours, GraphQLObjectType):
        assert described(ours).items() <= described(theirs).items()
    elif isinstance(ours, GraphQLInputObjectType):
        # Whole: a field that is missing here would be refused here alone.
        assert described(ours) == described(theirs)
    elif isinstance(ours, GraphQLEnumType):
        assert list(ours.values) == list(theirs.values)


def described(kind: Any) -> dict[str, Any]:
    """The fields of a type with their types and arguments, as texts."""
    return {
        name: (str(field.type), {name: str(one.type) for name, one in getattr(field, "args", {}).items()})
        for name, field in kind.fields.items()
    }
