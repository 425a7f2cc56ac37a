"""Each promise of book/promises.md has tests, named here: as the English page calls it → where it is tested."""

import re

import pytest
from conftest import ROOT

PROMISES = {
    "Kernels are the reader's alone": "test_live.py::test_pages_do_not_hold_the_key "
    "test_whoever_has_no_ticket_gets_403",
    "Stolen cookies are of no use": "test_live.py::test_the_cookies_open_no_kernel test_the_cookies_open_no_websocket "
    "test_a_page_on_another_port_gets_nowhere",
    "An address works once": "test_live.py::test_a_ticket_admits_once test_a_ticket_is_void_after_a_minute",
    "The address is on no command line": "test_live.py::test_no_command_line_shows_the_address",
    "Other machines cannot connect": "test_live.py::test_it_listens_on_this_machine_only",
    "Other web pages cannot call it": "test_live.py::test_another_host_name_gets_403 "
    "test_a_page_from_elsewhere_cannot_use_the_cookie",
    "Strangers take no memory": "test_live.py::test_a_body_is_not_read_before_the_door "
    "test_an_outsider_gets_no_further_than_the_door test_strangers_who_say_nothing_keep_nobody_out",
    "Closing the terminal ends everything": "test_live.py::test_it_ends_with_its_terminal "
    "test_its_kernels_end_with_it test_it_ends_when_told_to",
    "One to a folder": "test_live.py::test_a_second_one_says_that_there_is_one",
    "No address is filled in": "test_live.py::test_no_address_is_filled_in",
    "First who is there, then the token": "test_live.py::test_whoever_is_no_jupyter_does_not_get_the_token",
    "The token stays on this computer": "test_live.py::test_a_token_goes_to_this_machine_only "
    "test_whoever_is_no_jupyter_does_not_get_the_token test_a_token_follows_no_redirect",
    "The token is not kept": "test_live.py::test_a_hosted_page_connects",
    "A student": "test_class.py::test_a_students_kernel_finds_nothing_of_others test_what_is_handed_out_has_no_answers "
    "test_a_student_can_change_nothing_that_others_read test_who_hands_in_is_told_by_where_it_lies "
    "test_exchange.py::test_what_was_collected_stays_and_a_newer_one_comes "
    "test_a_link_leads_to_nothing_of_the_teachers",
    "A teacher": "test_class.py::test_the_teacher_is_no_administrator_of_the_hub "
    "test_a_teachers_server_may_not_change_the_hub",
    "The administrator": "test_signup.py::"
    "test_a_student_is_let_in_by_the_administrator_and_only_from_the_hubs_own_page",
    "Somebody who is not in yet": "test_signup.py::test_whoever_signs_up_first_is_neither_teacher_nor_administrator",
    "Another user of the same machine": "test_class.py::test_the_class_is_closed_to_other_users_of_the_machine "
    "test_nobody_is_let_in_at_an_address_whose_cookies_travel test_nobody_else_answers_in_the_classs_name "
    "test_a_page_of_one_server_is_a_stranger_to_the_hub_and_to_other_servers",
    "Code in a server": "test_class.py::test_no_port_of_a_students_hears_anothers_cookies "
    "test_there_is_no_network_in_a_server test_a_teachers_server_may_not_change_the_hub",
    "A student's code": "test_sandbox.py::test_what_is_there test_nothing_of_outside_is_seen test_bounds_of_the_system "
    "test_what_is_killed_from_outside test_messages.py::test_messages_are_counted_and_weighed "
    "test_memory.py::test_a_shard_stays_under_a_gigabyte_whatever_is_handed_in",
    "A student's file": "test_broken.py::test_a_class_of_them_without_kernels "
    "test_reading.py::test_a_file_that_takes_all_memory_stops_nobody_else",
    "What a student wrote": "test_formgrader.py::test_nothing_of_it_acts "
    "test_the_policy_stops_what_was_not_made_inert test_what_is_to_be_read_is_there "
    "test_marking.py::test_nothing_of_it_acts",
    "A student's marks": "test_crowd.py::test_each_gets_the_right_mark_or_the_right_reason "
    "test_on_paper.py::test_torch_does_not_count_for_anybody test_right_answers_pass_on_paper_too",
    "Who a student is": "test_whose.py::test_plan_says_who_was_understood_and_stops "
    "test_any_name_is_graded_and_stands_whole_in_its_row",
    "A teacher's marks": "test_grade.py::test_marks_by_hand_outlive_a_file_that_cannot_be_graded "
    "test_marks_beyond_the_second_check_count_and_are_said test_marks_that_no_box_takes_do_not_count_and_are_said "
    "test_marking.py::test_marks_outlive_regrading_and_a_new_file_wants_another_look",
}


def promised(lang):
    """The bold beginnings of the page's bullets."""
    page = (ROOT / "book" / "promises.md").read_text(encoding="utf-8")
    blocks = re.split(r'^\+\+\+ \{"lang": "(\w\w)"\}$', page, flags=re.M)
    text = "".join(block for name, block in zip(blocks[1::2], blocks[2::2], strict=True) if name == lang)
    return re.findall(r"^- \*\*(.+?)\*\*", text, flags=re.M)


def test_every_promise_has_tests():
    assert promised("en") == list(PROMISES)
    assert len(promised("zh")) == len(promised("en"))


@pytest.mark.parametrize("promise", PROMISES)
def test_the_tests_exist(promise):
    file = None
    for word in PROMISES[promise].split():
        *new_file, name = word.split("::")
        file = (new_file or [file])[0]
        source = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert re.search(rf"^def {name}\(", source, flags=re.M), word
