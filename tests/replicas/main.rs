//! What replicas share, with a real Redis or Valkey that the tests start, kill and pause. Where there is none, the tests are
//! reported as ignored; `STOREGATE_TESTS_REQUIRE_REDIS=1` makes that an error.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]
#![expect(clippy::disallowed_methods, reason = "real servers take their time")]

#[expect(dead_code, reason = "the tests' service is used in part")]
#[path = "../app/mod.rs"]
mod app;
mod configurations;
mod counting;
mod doctor;
mod fleet;
mod forms;
mod hostile;
mod redis_server;
mod sharing;
mod telling;
mod trouble;

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
        sharing:
            an_answer_that_one_replica_fetched_is_found_by_the_others_and_says_its_age,
            a_thousand_callers_of_three_replicas_and_one_cold_key_make_one_gateway_call,
            who_waits_for_a_replica_that_died_fetches_for_itself,
            an_answer_that_is_no_longer_fresh_is_refreshed_once_for_all,
            a_replica_that_starts_while_the_gateway_fails_gives_what_others_had,
            two_companies_never_meet_at_redis,
            that_there_is_no_such_store_ends_the_shared_answer,
            what_a_day_gave_before_it_ended_is_not_kept_as_if_it_had_ended,
            a_fetch_that_ends_late_does_not_take_the_place_of_a_newer_answer,
            a_fetch_is_told_although_its_replica_has_given_up_the_link_meanwhile;
        configurations:
            what_another_configuration_stored_is_never_given_and_each_finds_its_own_again,
            a_company_that_gets_other_credentials_never_sees_what_the_former_ones_brought,
            a_company_whose_enterprise_is_another_never_sees_the_former_ones_inspections,
            staging_and_production_that_share_all_but_their_gateways_never_meet,
            a_new_secret_of_the_same_account_finds_what_was_stored_with_the_old_one;
        telling:
            a_purge_reaches_all_replicas_and_what_they_share,
            a_purge_while_redis_is_down_reaches_the_others_when_it_is_back,
            a_token_that_was_given_back_is_refused_by_all_and_by_those_that_start_later,
            a_redis_that_lost_its_memory_is_told_of_dead_tokens_again,
            what_redis_loses_while_it_runs_is_brought_there_again,
            who_missed_what_the_journal_has_no_longer_drops_all_it_has,
            what_another_server_was_told_is_heard_when_it_takes_the_place_of_ours,
            what_was_told_is_told_again_to_a_server_that_does_not_have_it,
            a_server_whose_clock_is_behind_does_not_keep_replicas_from_sharing,
            a_journal_that_was_emptied_is_begun_anew;
        counting:
            a_quota_is_spent_by_all_replicas_together_to_the_last_request,
            a_count_at_redis_that_is_no_number_is_counted_from_zero,
            a_batch_is_counted_by_all_replicas_together_and_whole_or_not_at_all,
            what_one_replica_took_and_does_not_use_another_may,
            without_redis_each_replica_counts_for_itself;
        trouble:
            a_redis_that_is_not_there_at_the_start_is_used_as_soon_as_it_is,
            a_killed_redis_costs_no_request_and_is_used_again_when_it_is_back,
            a_redis_that_hangs_costs_no_request_and_is_used_again_when_it_answers,
            rubbish_under_every_key_is_as_good_as_nothing,
            a_redis_that_is_full_from_the_beginning_costs_no_request,
            a_redis_that_becomes_full_is_used_as_far_as_it_goes_and_told_later,
            a_server_that_may_only_be_read_is_given_up_until_it_may_be_written_to,
            something_that_is_no_redis_costs_no_request;
        hostile:
            a_server_that_announces_or_sends_too_much_is_left_before_it_comes,
            a_value_that_is_larger_than_any_answer_is_as_good_as_none,
            an_event_that_nobody_would_have_written_keeps_replicas_alone_until_it_is_gone;
        forms:
            a_password_lets_in_and_a_wrong_one_costs_no_request,
            a_user_who_may_use_no_keys_but_those_with_the_prefix_is_enough,
            over_tls_with_a_certificate_of_ones_own_authority,
            behind_sentinels_another_server_takes_over,
            in_a_cluster_all_of_it_works,
            a_cluster_without_one_of_its_nodes_is_used_for_what_the_others_have;
        doctor:
            a_redis_that_works_is_told_with_its_version_and_its_round_trip,
            each_thing_that_is_wrong_with_redis_is_told_with_its_remedy;
    };
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}
