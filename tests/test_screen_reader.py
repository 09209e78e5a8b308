"""What a screen reader is told, in which order: the accessibility tree of search, quiz, divider and photo page.

The tree is Chromium's own, by its protocol for developers (Accessibility.queryAXTree), from which it serves screen
readers. That a real one speaks it well, no test can tell.
"""

import pytest
from browse import NEEDS, WIDE, visit, watch
from playwright.sync_api import expect

pytestmark = NEEDS
# what is text, or a box without meaning, is passed over; a control, a heading or a landmark is told
SILENT = {
    "StaticText",
    "InlineTextBox",
    "generic",
    "none",
    "LabelText",
    "Legend",
    "ListMarker",
    "LineBreak",
    "paragraph",
}
STATES = {
    "checked": lambda value: "checked" if value == "true" else "",
    "expanded": lambda value: "open" if value else "closed",
    "level": str,
    "disabled": lambda value: "disabled" if value else "",
    "focused": lambda value: "",
}


def heard(page, selector: str) -> list[str]:
    """Role, name, value and states of all that is told under an element, in the order of reading."""
    session = page.context.new_cdp_session(page)
    document = session.send("DOM.getDocument")["root"]["nodeId"]
    element = session.send("DOM.querySelector", {"nodeId": document, "selector": selector})["nodeId"]
    found = session.send("Accessibility.queryAXTree", {"nodeId": element})["nodes"]
    session.detach()
    nodes = {node["nodeId"]: node for node in found}
    inner = {child for node in found for child in node.get("childIds", ())}
    told, waiting = [], [node for node in found if node["nodeId"] not in inner]
    while waiting:
        node = waiting.pop(0)
        role = node.get("role", {}).get("value", "none")
        if not node["ignored"] and role not in SILENT:
            states = [
                STATES[p["name"]](p["value"].get("value")) for p in node.get("properties", ()) if p["name"] in STATES
            ]
            words = [role, node.get("name", {}).get("value", ""), str(node.get("value", {}).get("value", "")), *states]
            told.append(" ".join(" ".join(filter(None, words)).split()))
        # what is inside a picture, a formula or a control is in its name
        closed = role in ("image", "math", "button", "link", "slider", "searchbox", "heading", "radio")
        waiting = ([] if closed else [nodes[k] for k in node.get("childIds", ()) if k in nodes]) + waiting
    return told


@pytest.fixture
def page(browser, address):
    opened = browser.new_page(viewport=WIDE, reduced_motion="reduce")
    troubles = watch(opened, address)
    yield opened
    assert troubles == []
    opened.close()


def tab_to(page, condition: str) -> None:
    """Press Tab until the focus is where it should be."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate(f"() => {{ const e = document.activeElement; return {condition}; }}"):
            return
    raise AssertionError(f"Tab never comes to {condition}")


def test_search_is_opened_named_counted_and_followed_by_keys_alone(page, address):
    visit(page, f"{address}/book/using.html")
    page.keyboard.press("Control+k")
    assert heard(page, "#pst-search-dialog") == ["dialog Search", "form", "searchbox Search this book..."]
    page.keyboard.type("sub-pixel")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html*")
    expect(page.get_by_role("status")).to_contain_text("Search finished, found")
    told = heard(page, "body")
    landmarks = ["link Skip to main content", "navigation Book", "navigation Main", "main", "heading Search 1"]
    places = [told.index(landmark) for landmark in landmarks]
    assert places == sorted(places)
    results = told[told.index("searchbox Search this book... sub-pixel") + 1 :]
    assert results[:2] == ["status", "list"]
    count = int(page.get_by_role("status").inner_text().split("found ")[1].split()[0])
    assert [what.split()[0] for what in results[2 : 2 + 2 * count]] == ["listitem", "link"] * count
    first = results[3].removeprefix("link ")
    tab_to(page, "e.closest('#search-results')")
    assert page.evaluate("document.activeElement.textContent") == first
    page.keyboard.press("Enter")
    page.wait_for_url("**/book/*.html*")
    assert first in page.get_by_role("heading", level=1).inner_text()


def test_no_single_letter_moves_the_reader(page, address):
    """Search opens by Ctrl+K alone; who dictates would press another key with every word."""
    moved = []
    for name in ("search.html", "book/photo.html", "slides/results.html"):
        visit(page, f"{address}/{name}")
        page.evaluate("document.activeElement.blur()")
        moved.append(moves(page))
    page.evaluate("addEventListener('keydown', e => e.key === 'j' && scrollTo(0, 900))")
    assert [*moved, moves(page)] == [False, False, False, True]


def moves(page) -> bool:
    """Whether a letter, a figure or a sign that is typed changes where the reader is."""
    state = "[document.activeElement.tagName, scrollY, location.href, document.querySelectorAll('[open]').length]"
    before = page.evaluate(state)
    for letter in "abcdefghijklmnopqrstuvwxyz0123456789/?.,;:'[]-=":
        page.keyboard.press(letter)
    return page.evaluate(state) != before


def test_a_question_is_heard_before_its_answers_and_an_explanation_behind_its_own(page, address):
    visit(page, f"{address}/book/06_bicubic.html")
    names = page.evaluate("[...document.querySelectorAll('#quiz > details > summary')].map(e => e.textContent)")
    told = heard(page, "#quiz")
    assert told[0].startswith("heading Quiz")
    assert [what for what in told if what.startswith("DisclosureTriangle")] == [
        f"DisclosureTriangle {name} closed" for name in names
    ]
    text = page.locator("#quiz").inner_text()
    order = [text.index(f"{number}.") for number in range(1, 5)] + [text.index(names[0]), text.index(names[-1])]
    assert order[0] < order[4] < order[1] < order[2] < order[3] < order[5]  # the first answer is before question 2
    page.locator("#quiz summary").nth(1).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("at the first choice")  # the browser opens first and tells later
    told = heard(page, "#quiz")
    assert [what for what in told if what.endswith(" open")] == [f"DisclosureTriangle {names[1]} ✗ open"]
    # the explanation stands in the tree, between its answer and the next
    found = page.locator("#quiz").aria_snapshot()
    explained = page.locator("#quiz > details").nth(1).locator("p").first.inner_text()[:20]
    assert found.index(names[1]) < found.index(explained) < found.index(names[2])
    assert told[-2:] == ["status", "button Start again"]


def test_two_images_are_heard_with_their_words_before_the_divider(page, address):
    visit(page, f"{address}/book/05_reconstruction.html")
    divider = "[class^=srcnn-compare]"
    slider = "slider Percent of the width that shows 4 maps; the rest shows all 32 maps"
    wanted = [
        "group 4 maps and all 32 maps, compared",
        "figure",
        "image A photographer in a dark coat at a camera, towers behind; all outlines are soft.",
        "figure",
        "image The same view with crisp outlines of nose, camera and towers.",
    ]

    def said() -> list[str]:
        return [what for what in heard(page, divider) if not what.startswith("Figcaption")]

    assert said() == [*wanted, f"{slider} 50"]
    assert page.locator(f"{divider} figcaption").all_inner_texts()[:2] == ["4 maps", "all 32 maps"]
    page.locator(f"{divider} input").first.press("ArrowLeft")
    assert said()[-1] == f"{slider} 49"
    # a divider without a name, or one that comes before its images, would be noticed
    page.evaluate(f"document.querySelector('{divider} input').removeAttribute('aria-label')")
    assert said()[-1] == "slider 49"
    page.evaluate(
        f"(() => {{ const d = document.querySelector('{divider}'); d.prepend(d.querySelector('input')); }})()"
    )
    assert said()[1] == "slider 49"


def test_the_photo_page_is_heard_in_the_order_of_its_use(page, address):
    visit(page, f"{address}/book/photo.html")
    choose = "Drop a photograph here, or choose a file (PNG, JPEG, WebP or BMP)"
    before = [
        f"button {choose}", "group Sample photographs", "button an astronaut", "button a cat", "button coins, in gray",
        "group Upsample by", "radio 2", "radio 3 checked", "radio 4", "status",
    ]  # fmt: skip
    told = [" ".join(what.replace("No file chosen", "").split()) for what in heard(page, "#photo")]
    assert told == before
    page.get_by_role("button", name="coins, in gray").press("Enter")
    expect(page.locator("#photo-save")).to_be_visible(timeout=60_000)
    assert page.get_by_role("status").inner_text().startswith("coins.png: 384 x 303 pixels in")
    told = [" ".join(what.replace("No file chosen", "").split()) for what in heard(page, "#photo")]
    assert told == [
        *before, "group Both images", "image coins.png, upsampled by SRCNN",
        "image coins.png, upsampled by bicubic interpolation",
        "slider Percentage of the width that shows bicubic interpolation; the rest shows SRCNN 50",
        "checkbox full size; scroll to see the rest", "link Save the SRCNN image (PNG)",
    ]  # fmt: skip
    # the keys go the same way
    names = ["an astronaut", "a cat", "coins, in gray", "photo-scale", "photo-divider", "photo-full", "photo-save"]
    page.locator("#photo-file").focus()
    for name in names:
        page.keyboard.press("Tab")
        said = "e => e.id || e.name || e.textContent.trim()"
        assert page.evaluate(f"({said})(document.activeElement)") == name
    page.set_input_files("#photo-file", {"name": "no.png", "mimeType": "", "buffer": b"no image"})
    expect(page.get_by_role("status")).to_contain_text("no.png")


@pytest.mark.parametrize("name", ["book/07_measuring.html", "book/symptoms.html"])
def test_what_is_heard_first_stands_higher(page, address, name):
    """Nothing is moved by a style to another place than it has in the text."""
    visit(page, f"{address}/{name}")
    tops = page.evaluate(
        """[...document.querySelectorAll("article section > *")].filter(e => e.checkVisibility()
             && e.getBoundingClientRect().height > 0).map(e => e.getBoundingClientRect().top + scrollY)"""
    )
    assert len(tops) > 30
    assert tops == sorted(tops)
