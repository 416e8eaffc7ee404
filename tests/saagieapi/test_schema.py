"""The served schema, as the client reads it by introspection before its first query, and validates all it sends by."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import saagieapi.apps.gql_queries as app_queries
import saagieapi.docker_credentials.gql_queries as credentials_queries
import saagieapi.gql_queries as general_queries
import saagieapi.jobs.gql_queries as job_queries
import saagieapi.projects.gql_queries as project_queries
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    is_introspection_type,
    is_nullable_type,
    parse,
    validate,
)
from saagieapi import SaagieApi

DOCUMENTS = {
    name: document
    for module in (credentials_queries, project_queries)
    for name, document in vars(module).items()
    if name.startswith("GQL_")
} | {
    name: vars(module)[name]
    for module, names in (
        (
            job_queries,
            (
                "GQL_LIST_JOBS_FOR_PROJECT_MINIMAL",
                "GQL_LIST_JOBS_FOR_PROJECT",
                "GQL_GET_JOB_INFO",
                "GQL_CREATE_JOB",
                "GQL_UPGRADE_JOB",
                "GQL_EDIT_JOB",
                "GQL_ROLLBACK_JOB_VERSION",
                "GQL_DELETE_JOB",
            ),
        ),
        (
            app_queries,
            (
                "GQL_LIST_APPS_FOR_PROJECT",
                "GQL_GET_APP_INFO",
                "GQL_CREATE_APP_SCRATCH",
                "GQL_UPDATE_APP",
                "GQL_EDIT_APP",
                "GQL_ROLLBACK_APP_VERSION",
                "GQL_DELETE_APP",
            ),
        ),
    )
    for name in names
}

# Arguments and type of each operation on credentials and projects, as the platform publishes them.
OPERATIONS = {
    "allDockerCredentials": ({"projectId": "UUID!"}, "[DockerCredentials!]"),
    "dockerCredentials": ({"id": "UUID!", "projectId": "UUID!"}, "DockerCredentials"),
    "createDockerCredentials": ({"dockerCredentials": "DockerCredentialsInput"}, "DockerCredentials"),
    "updateDockerCredentials": ({"dockerCredentialsUpdate": "DockerCredentialsUpdate"}, "DockerCredentials"),
    "deleteDockerCredentials": ({"id": "UUID!", "projectId": "UUID!"}, "Boolean"),
    "projects": ({"search": "String", "first": "Int", "skip": "Int"}, "[Project!]"),
    "project": ({"id": "UUID!"}, "Project"),
    "projectByName": ({"name": "String!"}, "Project"),
    "rights": ({"projectId": "UUID!"}, "[SecurityGroup!]"),
    "createProject": ({"project": "ProjectInput!"}, "Project!"),
    "editProject": ({"project": "ProjectEditionInput!"}, "Project!"),
    "deleteProject": ({"projectId": "UUID!"}, "Boolean"),
    "jobs": ({"projectId": "UUID!", "category": "String", "technologyId": "UUID"}, "[Job!]"),
    "job": ({"id": "UUID!"}, "Job"),
    "createJob": ({"job": "JobInput!", "jobVersion": "JobVersionInput!", "file": "Upload"}, "Job!"),
    "addJobVersion": ({"jobId": "UUID!", "jobVersion": "JobVersionInput!", "file": "Upload"}, "JobVersion!"),
    "editJob": ({"job": "JobEditionInput!"}, "Job!"),
    "rollbackJobVersion": ({"jobId": "UUID!", "versionNumber": "Int!"}, "Job"),
    "deleteJob": ({"jobId": "UUID!"}, "Boolean"),
    "archiveJob": ({"jobId": "UUID!"}, "Boolean"),
    "app": ({"id": "UUID!"}, "App"),
    "createApp": ({"app": "AppInput!"}, "App!"),
    "addAppVersion": ({"appId": "UUID!", "version": "AppVersionInput!"}, "AppVersion!"),
    "editApp": ({"appEdition": "AppEditionInput!"}, "App!"),
    "rollbackAppVersion": (
        {"appId": "UUID!", "versionNumber": "Int!", "volumesWithPath": "[VolumeWithPathInput]"},
        "App",
    ),
    "deleteApp": ({"appId": "UUID!"}, "App"),
}

INPUTS = {
    "DockerCredentialsInput": {
        "registry": "String",
        "username": "String!",
        "password": "String!",
        "projectId": "UUID!",
    },
    "DockerCredentialsUpdate": {
        "id": "UUID!",
        "registry": "String",
        "username": "String",
        "password": "String!",
        "projectId": "UUID!",
    },
    "SecurityGroupInput": {"name": "ID!", "role": "ProjectRole"},
    "JobDockerInput": {"image": "String!", "dockerCredentialsId": "UUID"},
    "AppDockerInput": {"image": "String!", "dockerCredentialsId": "UUID"},
}

OBJECTS = {
    "DockerCredentials": {
        "id": "UUID!",
        "registry": "String",
        "username": "String!",
        "lastUpdate": "DateTime!",
        "jobs": "[Job!]",
        "apps": "[App!]",
    },
    "Project": {
        "id": "UUID!",
        "name": "String!",
        "creator": "String!",
        "description": "String",
        "jobsCount": "Int!",
        "status": "ProjectStatus!",
        "technologiesByCategory": "[TechnologyByCategory]!",
        "appTechnologies": "[Technology]!",
    },
    "SecurityGroup": {"name": "ID!", "role": "ProjectRole", "isAllProjects": "Boolean!"},
    "JobDocker": {"image": "String!", "dockerCredentialsId": "UUID"},
    "AppDocker": {"image": "String!", "dockerCredentialsId": "UUID"},
}


@pytest.fixture(scope="module")
def schema(api: SaagieApi) -> GraphQLSchema:
    """The platform's schema, as the client has it after its first query."""
    api.projects.list()
    schema = api.client.client.schema
    assert schema
    return schema


def test_the_client_has_documents() -> None:
    assert len(DOCUMENTS) == 29, "another release of the client: look at what is new"


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_every_document_of_the_client_is_valid(schema: GraphQLSchema, document: str) -> None:
    assert validate(schema, parse(document)) == []


def test_the_gateways_documents_are_valid(api: SaagieApi) -> None:
    """The client asks the gateway for the catalogue before it creates a project, for a technology before a job."""
    assert [one["name"] for one in api.get_repositories_info()["repositories"]] == ["Saagie"]

    schema = api.client_gateway.client.schema
    assert schema
    assert validate(schema, parse(general_queries.GQL_GET_REPOSITORIES_INFO)) == []
    assert validate(schema, parse(general_queries.GQL_GET_RUNTIMES)) == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_have_the_platforms_types(schema: GraphQLSchema, name: str) -> None:
    assert schema.query_type and schema.mutation_type
    served = {**schema.query_type.fields, **schema.mutation_type.fields}[name]
    arguments, returned = OPERATIONS[name]

    assert str(served.type) == returned
    assert_extends({name: argument.type for name, argument in served.args.items()}, arguments)


@pytest.mark.parametrize("name", INPUTS)
def test_inputs_have_the_platforms_types(schema: GraphQLSchema, name: str) -> None:
    served = schema.type_map[name]
    assert isinstance(served, GraphQLInputObjectType)
    assert_extends({name: field.type for name, field in served.fields.items()}, INPUTS[name])


@pytest.mark.parametrize("name", OBJECTS)
def test_objects_have_the_platforms_types(schema: GraphQLSchema, name: str) -> None:
    served = schema.type_map[name]
    assert isinstance(served, GraphQLObjectType)
    types = {name: str(field.type) for name, field in served.fields.items()}
    assert types.items() >= OBJECTS[name].items()


@pytest.mark.skipif("PLATFORM_DEFINITION" not in os.environ, reason="the published definition is not at hand")
def test_all_that_has_a_name_of_the_platforms_is_the_platforms(schema: GraphQLSchema) -> None:
    """Compared with the definition that its makers publish: types, nullability, arguments, defaults, values."""
    published = build_schema(Path(os.environ["PLATFORM_DEFINITION"]).read_text())
    shared = {
        name: (ours, published.type_map[name])
        for name, ours in schema.type_map.items()
        if name in published.type_map and not is_introspection_type(ours)
    }
    assert {"Job", "JobVersion", "App", "AppVersion", "Port", "DockerCredentials", "JobInput"} <= shared.keys()
    assert [told for name, (ours, theirs) in shared.items() for told in differences(name, ours, theirs)] == []


def differences(name: str, ours: Any, theirs: Any) -> Iterator[str]:
    """In what a type is not the platform's. Fields that one of them does not have are none, unless they are demanded."""
    if type(ours) is not type(theirs):
        yield f"{name} is another kind of type"
    elif isinstance(ours, GraphQLEnumType):
        if list(ours.values) != list(theirs.values):
            yield f"{name} has other values"
    elif isinstance(ours, GraphQLInputObjectType):
        yield from of_inputs(name, ours.fields, theirs.fields)
    elif isinstance(ours, GraphQLObjectType):
        for field in ours.fields.keys() & theirs.fields.keys():
            served, published = ours.fields[field], theirs.fields[field]
            if str(served.type) != str(published.type):
                yield f"{name}.{field} is {served.type}, not {published.type}"
            yield from of_inputs(f"{name}.{field}", served.args, published.args)


def of_inputs(of: str, ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[str]:
    """Arguments, or the fields of an input: all of the platform's, and no others that are demanded."""
    for name in ours.keys() | theirs.keys():
        if name not in ours:
            yield f"{of} does not take {name}"
        elif name not in theirs:
            if not is_nullable_type(ours[name].type):
                yield f"{of} demands {name}"
        elif described(ours[name]) != described(theirs[name]):
            yield f"{of} takes {name} as {described(ours[name])}, not {described(theirs[name])}"


def described(given: Any) -> tuple[str, Any]:
    return str(given.type), given.default_value


def assert_extends(served: dict[str, object], platform: dict[str, str]) -> None:
    """What the platform takes is taken, and anything beyond it is optional."""
    assert {name: str(served.get(name)) for name in platform} == platform
    assert all(is_nullable_type(kind) for name, kind in served.items() if name not in platform)
