"""What book.js adds to a chapter: quizzes that keep a score, and answers that are covered until there is a guess."""

import re

import pytest
from browse import NEEDS, PAGES, ROOT, watch
from lanes import one_in
from playwright.sync_api import expect

pytestmark = NEEDS
CHAPTERS = sorted(path.stem for path in (ROOT / "book").glob("[0-9]*.ipynb"))
ANSWERS = "section#quiz > details"


@pytest.fixture
def page(browser):
    opened = browser.new_page(viewport={"width": 1100, "height": 900}, reduced_motion="reduce")
    troubles = watch(opened, PAGES.as_uri())
    yield opened
    assert troubles == []
    opened.close()


def visit(page, name: str) -> None:
    page.goto((PAGES / "book" / f"{name}.html").as_uri(), wait_until="load")


def right(page, answer: int) -> bool:
    return page.locator(ANSWERS).nth(answer).locator("p").first.text_content().startswith("Right.")


def test_the_first_answer_to_a_question_counts_and_every_answer_is_marked(page):
    visit(page, CHAPTERS[0])
    count = page.locator(ANSWERS).count()
    wrong = next(k for k in range(count) if not right(page, k))
    score = page.locator(".quiz-score")
    expect(score).to_have_text("")
    page.locator(f"{ANSWERS} > summary").nth(wrong).click()
    expect(score).to_contain_text("0 of 1 right at the first choice")
    expect(page.locator(ANSWERS).nth(wrong)).to_have_class(re.compile("quiz-wrong"))
    for k in range(count):  # all others as well: who has chosen wrongly may look, and it changes nothing
        if k != wrong:
            page.locator(f"{ANSWERS} > summary").nth(k).click()
    questions = int(re.search(r"(\d+) questions", score.text_content())[1])
    expect(page.locator(f"{ANSWERS}.quiz-right")).to_have_count(questions)
    expect(score).to_contain_text(f"of {questions} right at the first choice")
    page.get_by_role("button", name="Start again").click()
    expect(score).to_have_text("")
    assert page.locator(f"{ANSWERS}[open]").count() == 0


@pytest.mark.parametrize("name", one_in(4, CHAPTERS))
def test_every_question_of_every_chapter_can_be_won_by_keyboard(page, name):
    visit(page, name)
    rights = [k for k in range(page.locator(ANSWERS).count()) if right(page, k)]
    for k in rights:
        page.locator(f"{ANSWERS} > summary").nth(k).focus()
        page.keyboard.press("Enter")
    expect(page.locator(".quiz-score")).to_contain_text(
        f"{len(rights)} of {len(rights)} right at the first choice; {len(rights)} questions"
    )


@pytest.mark.parametrize("name", one_in(4, CHAPTERS, first=2))
def test_every_answer_is_covered_until_a_guess_is_made(page, name):
    visit(page, name)
    forms = page.locator("form.guess")
    asked = page.locator("article p > strong:first-child", has_text=re.compile("^Guess first:$")).count()
    assert forms.count() == asked > 0
    output = forms.first.evaluate_handle("form => form.closest('div.cell').querySelector(':scope > .cell_output')")
    hidden = "output => output.hidden || !output.checkVisibility()"
    assert output.evaluate(hidden)
    forms.first.get_by_label("Your guess").fill("a dozen")
    page.keyboard.press("Enter")
    expect(page.locator("p.guess").first).to_have_text("Your guess: a dozen")
    expect(page.locator("p.guess").first).to_be_focused()
    assert not output.evaluate(hidden)
    assert forms.count() == asked - 1


def test_answers_can_be_shown_for_good(page):
    visit(page, CHAPTERS[1])
    page.get_by_role("button", name="Always show answers").first.click()
    assert page.locator("form.guess").count() == 0
    assert page.locator("[hidden='until-found']").count() == 0
    page.evaluate("localStorage.removeItem('guesses')")


def test_without_scripts_everything_is_on_the_page(browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    visit(page, CHAPTERS[1])
    assert page.locator("form.guess").count() == 0
    expect(page.locator(".cell_output").first).to_be_visible()
    summary = page.locator(f"{ANSWERS} > summary").first
    summary.click()
    expect(page.locator(ANSWERS).first.locator("p").first).to_be_visible()
    context.close()


def test_on_paper_nothing_is_covered(page):
    visit(page, CHAPTERS[1])
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("[hidden]", has=page.locator("img")).count() == 0
    assert page.locator("form.guess").count() == 0
