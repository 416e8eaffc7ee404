//! What regcred has nothing to show of: runs, pipelines, packages, alerts, volumes.
//!
//! The platform's clients ask for these fields, so they are there with the platform's types. Of none of these types is
//! there ever a value; lists of them are empty, and single ones null.

use async_graphql::{Enum, Interface, Object};

use super::apps::App;
use super::jobs::JobVersion;
use super::scalars::{DataSize, DateTime, Uuid};
use super::workloads::AppDocker;

macro_rules! never {
    ($(#[$doc:meta])* $name:ident { $($field:ident $(($($argument:ident: $of:ty),*))?: $type:ty,)* }) => {
        $(#[$doc])*
        pub(super) enum $name {}

        impl $name {
            fn never<T>(&self) -> T {
                match *self {}
            }
        }

        #[Object]
        impl $name {
            $(async fn $field(&self $($(, $argument: $of)*)?) -> $type {
                $($(let _ = $argument;)*)?
                self.never()
            })*
        }
    };
}

never!(
    /// A run of a job.
    JobInstance {
        id: Uuid,
        status: InstanceStatus,
        history: Option<InstanceHistory>,
        version: JobVersion,
        start_time: DateTime,
        end_time: Option<DateTime>,
    }
);

never!(
    /// How a run went.
    InstanceHistory {
        current_status: InstanceStatusDetails,
    }
);

never!(
    /// How a run stands.
    InstanceStatusDetails {
        status: InstanceStatus,
        details: Option<String>,
        reason: Option<StatusReason>,
    }
);

never!(
    /// A package that was uploaded for a version.
    JobPackage {
        name: String,
        download_url: Option<String>,
    }
);

never!(
    /// Whether a job can be deleted.
    JobDeletableState {
        deletable: bool,
        reasons: Option<Vec<JobDeletableStateReason>>,
    }
);

never!(
    /// Whether a version can be deleted by itself.
    JobVersionDeletableState {
        deletable: bool,
        reasons: Option<Vec<JobVersionDeletableStateReason>>,
    }
);

never!(
    /// A chain of jobs.
    Pipeline {
        id: Uuid,
    }
);

never!(
    /// Who is told how a job's runs went.
    JobPipelineAlerting {
        emails: Vec<String>,
        status_list: Vec<InstanceStatus>,
        login_emails: Option<Vec<UserEmail>>,
    }
);

never!(
    /// Who is told how an app stands.
    AppAlerting {
        emails: Vec<String>,
        status_list: Vec<AppStatus>,
        login_emails: Option<Vec<UserEmail>>,
    }
);

never!(
    /// The address of a user.
    UserEmail {
        login: Option<String>,
        email: String,
    }
);

never!(
    /// A disk of an app, where it is mounted.
    VolumeWithPath {
        path: String,
        volume: Option<Volume>,
    }
);

never!(
    /// A disk of an app.
    Volume {
        id: Uuid,
        name: String,
        creator: String,
        description: Option<String>,
        size: DataSize,
        project_id: Uuid,
        creation_date: DateTime,
        linked_app: Option<App>,
    }
);

never!(
    /// What an app went through.
    AppHistory {
        id: Uuid,
        count_events: Option<i32>,
        events(limit: Option<i32>, skip: Option<i32>): Option<Vec<StatusHistoryByAction>>,
        running_version_number: i32,
        current_docker_info: Option<AppDocker>,
        current_status: AppStatus,
        current_status_reason: Option<String>,
        current_execution_id: Option<Uuid>,
        start_time: Option<DateTime>,
        stop_time: Option<DateTime>,
        author: Option<String>,
    }
);

never!(
    /// What came of something that was done to an app.
    StatusHistoryByAction {
        app_history_id: Uuid,
        action: StatusHistory,
        statuses: Vec<Option<StatusHistory>>,
    }
);

never!(
    /// Something that happened to an app.
    StatusHistory {
        event: AppEvent,
    }
);

/// Something that happened to an app.
#[derive(Interface)]
#[graphql(
    field(name = "record_at", ty = "DateTime"),
    field(name = "execution_id", ty = "Uuid"),
    field(name = "version_number", ty = "i32")
)]
pub(super) enum AppEvent {
    StatusRetrieve(StatusRetrieve),
    RunAction(RunAction),
    RollbackAction(RollbackAction),
    UpgradeAction(UpgradeAction),
    StopAction(StopAction),
    RestartAction(RestartAction),
}

never!(
    /// It was looked at.
    StatusRetrieve {
        record_at: DateTime,
        execution_id: Uuid,
        version_number: i32,
        status: AppStatus,
        reason: Option<String>,
    }
);

macro_rules! action {
    ($(#[$doc:meta])* $name:ident) => {
        never!(
            $(#[$doc])*
            $name {
                record_at: DateTime,
                execution_id: Uuid,
                version_number: i32,
                author: Option<String>,
            }
        );
    };
}

action!(
    /// It was started.
    RunAction
);
action!(
    /// It went back to a version.
    RollbackAction
);
action!(
    /// It got a version.
    UpgradeAction
);
action!(
    /// It was stopped.
    StopAction
);
action!(
    /// It was started anew.
    RestartAction
);

never!(
    /// A way in which an app of the catalogue can run.
    AppContext {
        id: String,
        label: String,
        available: bool,
        deprecation_date: Option<String>,
        description: Option<String>,
        docker_info: Option<AppContextDocker>,
        facets: Vec<String>,
        missing_facets: Vec<String>,
        last_update: Option<String>,
        ports: Vec<AppContextPort>,
        recommended: bool,
        trust_level: Option<String>,
        volumes: Vec<AppContextVolume>,
    }
);

never!(
    /// The image that it runs.
    AppContextDocker {
        image: String,
        version: String,
    }
);

never!(
    /// A port that it has.
    AppContextPort {
        base_path: Option<String>,
        name: Option<String>,
        port: i32,
        rewrite_url: bool,
        scope: Option<String>,
    }
);

never!(
    /// A disk that it has.
    AppContextVolume {
        path: String,
        size: String,
    }
);

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($word:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Enum)]
        pub(super) enum $name {
            $($word,)*
        }
    };
}

words!(
    /// How a run of a job stands.
    InstanceStatus {
        Awaiting,
        Requested,
        Unknown,
        Queued,
        Running,
        Killing,
        Killed,
        Succeeded,
        Failed,
        Error,
        Skipped,
    }
);

words!(
    /// Why a run stands as it does.
    StatusReason {
        Evicted,
        EvictedExecVars,
        CreateAggregatedExecVarsError,
        ContainerCreationError,
        ImagePullError,
        InvalidImageName,
        OutOfMemory,
        GenericError,
        WorkflowDeleted,
        UnexpectedDeletion,
    }
);

words!(
    /// How an app stands.
    AppStatus {
        Started,
        Starting,
        Restarting,
        Recovering,
        Upgrading,
        RollingBack,
        Stopping,
        Stopped,
        Failed,
        Unknown,
    }
);

words!(
    /// Why a job cannot be deleted.
    JobDeletableStateReason {
        HasUnfinishedInstances,
        LinkedToPipeline,
        InstancesNotYetCleaned,
    }
);

words!(
    /// Why a version cannot be deleted by itself.
    JobVersionDeletableStateReason {
        CurrentVersion,
        VersionHasUnfinishedInstances,
        VersionLinkedToPipelineInstance,
        VersionInstancesNotYetCleaned,
    }
);

words!(
    /// How a schedule stands.
    ScheduleStatus {
        Initializing,
        Failed,
        Ready,
        ImpossibleToSchedule,
    }
);

words!(
    /// How a move stands.
    MigrationStatus {
        MigratingIn,
        MigratingOut,
        Ready,
        Failed,
    }
);
