//! What replicas share, with a real Redis or Valkey that the tests start, kill and pause. Where there is none, the tests are
//! reported as ignored; `STOREGATE_TESTS_REQUIRE_REDIS=1` makes that an error.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]
#![expect(clippy::disallowed_methods, reason = "real servers take their time")]

#[expect(dead_code, reason = "the tests' service is used in part")]
#[path = "../app/mod.rs"]
mod app;
mod configurations;
mod doctor;
mod events;
mod failures;
mod fleet;
mod hostile;
mod modes;
mod quotas;
mod redis_server;
mod responses;

use std::future::Future;
use std::process::ExitCode;

use actix_web::rt::System;
use libtest_mimic::{Arguments, Trial};

/// A test by its name.
fn test<F>(name: &str, run: fn() -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    let run = move || {
        System::new().block_on(run());
        Ok(())
    };
    Trial::test(name, run).with_ignored_flag(redis_server::program().is_none())
}

/// Names each test once.
macro_rules! tests {
    ($($module:ident: $($name:ident),+;)+) => {
        vec![$($(test(concat!(stringify!($module), "::", stringify!($name)), $module::$name)),+),+]
    };
}

#[expect(clippy::too_many_lines, reason = "a list of tests")]
fn main() -> ExitCode {
    let is_required = std::env::var("STOREGATE_TESTS_REQUIRE_REDIS").is_ok_and(|value| value == "1");
    assert!(!is_required || redis_server::program().is_some(), "neither valkey-server nor redis-server can be run");
    let tests = tests! {
        responses:
            a_response_that_one_replica_fetched_is_a_hit_at_the_others_with_its_age,
            a_thousand_requests_at_three_replicas_for_one_cold_key_make_one_gateway_call,
            a_replica_that_waits_for_a_dead_leader_fetches_itself,
            a_stale_response_is_refreshed_once_for_all_replicas,
            a_replica_that_starts_while_the_gateway_fails_serves_the_shared_responses,
            two_tenants_never_share_data_at_redis,
            a_404_for_a_store_ends_its_shared_response,
            figures_of_an_unfinished_day_are_not_cached_as_of_a_finished_one,
            a_fetch_that_ends_late_does_not_replace_a_newer_response,
            a_fetch_is_published_although_its_replica_has_lost_the_connection_meanwhile;
        configurations:
            responses_of_another_configuration_are_never_served_and_each_finds_its_own_again,
            a_tenant_with_new_credentials_never_sees_responses_fetched_with_the_old_ones,
            a_tenant_with_another_enterprise_never_sees_the_former_ones_inspections,
            staging_and_production_that_share_all_but_their_gateways_never_meet,
            a_new_secret_of_the_same_account_finds_what_was_stored_with_the_old_one;
        events:
            a_purge_reaches_all_replicas_and_what_they_share,
            a_purge_while_redis_is_down_reaches_the_others_when_it_is_back,
            a_revoked_token_is_refused_by_all_replicas_and_by_those_that_start_later,
            revoked_tokens_are_written_back_to_a_redis_that_lost_its_memory,
            what_redis_loses_while_it_runs_is_written_back,
            a_replica_that_missed_trimmed_events_purges_its_whole_cache,
            events_written_to_another_server_are_read_when_it_takes_over,
            events_are_written_again_to_a_server_that_lacks_them,
            a_server_whose_clock_is_behind_does_not_keep_replicas_from_sharing,
            a_journal_that_was_emptied_is_begun_again;
        quotas:
            a_quota_is_spent_by_all_replicas_together_to_the_last_request,
            a_count_at_redis_that_is_no_number_is_counted_from_zero,
            a_batch_is_counted_by_all_replicas_together_and_whole_or_not_at_all,
            what_one_replica_took_and_does_not_use_another_may,
            without_redis_each_replica_counts_for_itself;
        failures:
            a_redis_that_is_not_there_at_the_start_is_used_as_soon_as_it_is,
            a_killed_redis_costs_no_request_and_is_used_again_when_it_is_back,
            a_redis_that_hangs_costs_no_request_and_is_used_again_when_it_answers,
            garbage_under_every_key_is_a_miss,
            a_redis_that_is_full_from_the_beginning_costs_no_request,
            a_redis_that_becomes_full_is_read_and_written_to_again_when_it_has_room,
            a_server_that_may_only_be_read_is_given_up_until_it_may_be_written_to,
            something_that_is_no_redis_costs_no_request;
        hostile:
            a_server_that_announces_or_sends_too_much_is_disconnected_before_it_arrives,
            a_value_larger_than_any_response_is_a_miss,
            an_unreadable_event_keeps_replicas_from_sharing_until_it_is_gone;
        modes:
            a_password_lets_in_and_a_wrong_one_costs_no_request,
            a_redis_user_with_access_to_the_prefix_alone_is_enough,
            over_tls_with_a_certificate_of_ones_own_authority,
            behind_sentinels_another_server_takes_over,
            in_a_cluster_all_of_it_works,
            a_cluster_without_one_of_its_nodes_is_used_for_what_the_others_have;
        doctor:
            a_working_redis_is_reported_with_its_version_and_round_trip,
            each_problem_with_redis_is_reported_with_its_remedy;
    };
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}
