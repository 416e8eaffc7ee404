//! What every backend of the store does, written once. A backend is one line at the end.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod checks;
mod credentials;
mod deliveries;
mod fixture;
mod people;
mod projects;
mod pulls;
mod remembered;
#[path = "../postgres/scratch.rs"]
mod scratch;
mod sessions;
mod tokens;
mod trail;
mod verifications;
mod versions;
mod workloads;

/// Runs every test of the suite on a backend.
macro_rules! conformance {
    ($backend:ident: $fixture:expr => $($room:ident { $($test:ident)* })*) => {
        mod $backend {
            $(mod $room {
                $(#[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    crate::$room::$test($fixture.await).await;
                })*
            })*
        }
    };
}

/// The suite: a test that is not named here is dead code, which the lints refuse.
macro_rules! suite {
    ($backend:ident: $fixture:expr) => {
        conformance! { $backend: $fixture =>
            people {
                logins_are_unique
                accounts_are_listed_with_their_groups
                the_last_admin_stays
                a_new_password_ends_every_session
            }
            sessions {
                open_needs_the_password_that_was_proved
                use_is_noted_and_never_goes_back
                only_the_owner_ends_a_session
                what_ran_out_is_removed
            }
            projects {
                names_are_unique_whatever_the_case
                edit_changes_only_what_is_given
                roles_come_from_membership_and_groups_and_the_highest_counts
                lists_hold_what_the_scope_says
                delete_takes_everything_of_the_project_and_nothing_else
            }
            remembered {
                roles_end_and_begin_with_the_next_request
                demands_of_a_project_act_with_the_next_request
                roles_are_of_the_caller_and_not_of_the_one_before
            }
            tokens {
                count_in_all_their_projects_until_revoked_in_one
                need_projects_that_exist
            }
            credentials {
                come_back_as_they_went_in
                are_found_in_their_own_project_only
                a_couple_is_unique_however_the_registry_is_spelled
                upgrade_decides_on_the_present_row_and_may_refuse
                concurrent_creators_of_one_couple_have_one_winner
                that_are_created_at_once_are_made_or_refused_each_for_itself
                concurrent_upgrades_each_see_the_one_before
                sealed_passwords_are_walked_in_order
            }
            pulls {
                see_the_first_key_that_any_credentials_of_their_project_have
                see_what_is_near_on_the_same_host
                that_come_together_see_what_each_would_alone
                that_come_together_do_not_fail_for_a_damaged_row_of_another
                are_counted_by_day_and_written_down
                that_may_not_leave_any_more_are_refused_and_leave_nothing
                that_come_at_once_are_all_counted
                that_come_at_once_are_told_each_for_itself_whether_they_may_leave
                say_who_pulled_what_last_and_no_more_than_so_many
                are_forgotten_after_a_while_but_for_the_last_use
            }
            checks {
                of_an_account_are_put_off_together
                begin_with_the_first_of_each_host_and_leave_others_alone
                are_claimed_once_and_put_off
                follow_what_a_proof_decides
                tell_of_an_end_when_it_is_time
                go_with_their_credentials
            }
            deliveries {
                wait_for_each_target_in_their_order
                name_the_jobs_and_apps_that_are_concerned
                are_bounded
                leave_ends_to_be_told_until_there_is_room
            }
            verifications {
                decide_on_what_was_counted_however_much_proved_nothing_meanwhile
                are_kept_the_latest_first_and_no_more_than_so_many
                of_what_is_gone_or_foreign_leave_nothing
            }
            versions {
                that_are_refused_before_they_count_are_news_once_they_do
                of_an_upgrade_are_held_and_brought_back
                that_are_held_are_read_at_once_with_their_passwords
                that_are_staged_wait_one_at_a_time
                are_switched_at_once_or_not_at_all
                are_held_for_the_grace_period_of_the_project_and_no_more_than_so_many
                that_are_destroyed_or_foreign_are_gone
                keep_their_numbers_also_when_the_last_one_is_gone
                that_are_switched_while_they_are_pulled_are_the_old_or_the_new
            }
            workloads {
                come_back_as_they_went_in
                names_are_unique_among_jobs_and_among_apps_whatever_the_case
                name_credentials_of_their_own_project_only
                have_versions_of_which_one_is_current
                guard_the_credentials_that_they_use
                guard_nothing_where_the_project_says_so
                pin_accounts_by_host_and_repository
                that_come_to_use_what_is_being_deleted_are_never_left_without
                that_are_upgraded_at_once_are_all_numbered
                have_so_many_versions_in_a_project_and_no_more
                go_with_their_versions_and_their_project
            }
            trail {
                has_an_event_for_each_change_and_none_for_a_refusal
                goes_on_after_the_store_was_opened_anew
            }
        }
    };
}

suite!(sqlite: async { crate::fixture::sqlite() });
suite!(postgres: crate::fixture::postgres());
