"""What readers do most, once more in Firefox, by the tests that Chromium takes; and what Firefox prints."""

import re
from io import BytesIO

import pypdf
import pytest
from test_cells_run_in_page import (  # noqa: F401
    reader,
    test_a_cell_reaches_nothing,
    test_an_interrupt_ends_python_and_says_so,
    test_what_a_cell_puts_out_is_inert,
)
from test_code_column import (  # noqa: F401
    test_a_deep_link_opens_with_its_line_lit,
    test_a_graph_node_and_its_line_point_at_each_other,
    test_j_and_k_step_with_the_focus_and_escape_leaves,
    test_nodes_are_reached_by_keyboard,
    test_on_a_phone_a_bar_carries_line_shape_and_steps,
    test_the_column_follows_the_screen_and_then_the_hand,
    test_the_focus_stays_on_play_which_the_same_key_ends,
)
from test_pictures import chapter, test_a_key_opens_the_whole_graph_with_the_same_lights  # noqa: F401
from test_python_in_page import (  # noqa: F401
    annotate,
    test_a_line_opens_its_whole_card_with_the_graph,
    test_each_line_has_pytorchs_values_and_maps,
    test_every_line_of_a_pasted_class_is_explained,
    test_neither_fetch_nor_storage_answers,
    test_the_readers_own_picture_is_the_input,
    truth,
)
from test_search import (  # noqa: F401
    test_escape_closes_the_results_and_then_the_field,
    test_from_a_file_results_are_links,
    test_results_come_while_one_types_and_keys_lead_on,
)
from test_site import (  # noqa: F401
    test_quiet_cells_open,
    test_the_switch_keeps_page_and_anchor,
    test_the_switch_keeps_the_section_scrolled_to,
    visit,
)


@pytest.fixture(scope="module")
def browser(firefox):
    return firefox


def test_a_chapter_is_printed_whole_and_alone(visit):  # noqa: F811
    page = visit("en/notebooks/03_forward.html")
    printed = pypdf.PdfReader(BytesIO(page.pdf(format="A4")))
    text = re.sub(r"\s+", " ", " ".join(page.extract_text() for page in printed.pages))
    titles = page.locator("article :is(h1, h2, h3)").all_inner_texts()
    missing = [title for title in titles if re.sub(r"\s+", " ", title.rstrip("¶ ")) not in text]
    assert not missing
    for words in ("Run this code", "Skip to main content", "next page", "Both languages"):
        assert words not in text
