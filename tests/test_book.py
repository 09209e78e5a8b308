"""The chapters keep the form that lets them be read in the book, in JupyterLab and in Colab."""

import ast
import base64
import importlib
import inspect
import io
import json
import re
from pathlib import Path

import address
import nbformat
import notebooks
import pytest
from PIL import Image

import srcnn
from srcnn import color, evaluation, metrics, model, pairs, pretrained, published, resize, training

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
CHAPTERS = sorted(BOOK.glob("[0-9]*.ipynb"))
NOTEBOOKS = sorted(BOOK.glob("*.ipynb"))  # the page on reproducibility is one more

SETUP = """from importlib.metadata import version
from importlib.util import find_spec

if find_spec("srcnn") is None:  # in Colab, say, which keeps its own versions of these
    here = {"torch": "torch", "numpy": "numpy", "PIL": "pillow"}
    kept = [f"{here[name]}=={version(here[name])}" for name in here if find_spec(name)]
    kept = " ".join(kept)
    %pip install -q "srcnn @ git+https://github.com/ADDRESS@vVERSION" $kept
    import torch

    if not torch.cuda.is_available():
        print("No GPU is on, and none is needed; chapters 10 and 11 use one if it is on.")
        print("In Colab: Runtime, Change runtime type, T4 GPU; then run this cell again.")
"""

# what nobody in the field says, and what is said instead
PRIVATE = {
    r"\bNot so:": "say why",
    r"\bpictures?\b": "image, or photograph where it is one",
    r"\bslips?\b": "mistake, bug",
    r"\b(scalar|inner) products?\b": "dot product",
    r"\bsquares? of \d": "patch",
    r"\bvotes?\b|\bopinions?\b": "weights, estimates",
    r"\bruler\b|\byardstick": "metric, protocol, step size",
    r"\blessons?\b": "training pair",
    r"\bbends?\b": "non-linearity, ReLU",
    r"\bon the average\b": "on average",
    r"\bdigits\b(?= are enough)": "precision",
    r"\b(shrink|shrinks|shrunk|shrinking)\b": "downsample",
    r"\benlarge(s|d|me[n]ts?)?\b|\benlarging\b": "upsample",
    r"\bgr[e]y\b|col[o]ur|initialis|normalis|optimis|neighb[o]ur|behavi[o]ur|cent[r]e\b": "American spelling",
    r"\bdecibels? (more|less) than one gets\b": "say it plainly",
}


def cells(path: Path, kind: str) -> list[dict]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [{**cell, "text": "".join(cell["source"])} for cell in notebook["cells"] if cell["cell_type"] == kind]


def tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def chapter(request) -> Path:
    return request.param


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request) -> Path:
    return request.param


def test_there_are_chapters_and_each_is_in_the_table_of_contents():
    contents = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert [int(path.name[:2]) for path in CHAPTERS] == list(range(1, 17))
    assert [path.name for path in NOTEBOOKS if f"file: book/{path.stem}\n" not in contents] == []


def test_it_begins_with_its_number_its_subject_and_its_question_and_has_no_second_title(chapter):
    first, *others = cells(chapter, "markdown")
    assert re.match(rf"# {int(chapter.name[:2])}\. [^?\n]+\n\n\*[A-Z][^*\n]+\?\*\n", first["text"])
    prose = [re.sub(r"```.*?```", "", cell["text"], flags=re.S) for cell in others]
    assert not [text for text in prose if re.search(r"^# ", text, flags=re.M)]


def minutes(path: Path) -> float:
    """Reading time at 200 words and 15 lines of code a minute; what is folded, hidden or replaced does not count."""
    prose = " ".join(cell["text"] for cell in cells(path, "markdown"))
    words = len(
        re.sub(r"<details>.*?</details>|<div data-live.*?</div>|</?[a-z]+[^<>\n]*>", " ", prose, flags=re.S).split()
    )
    shown = [c["text"] for c in cells(path, "code") if not {"hide-input", "hide-cell", "remove-cell"} & set(tags(c))]
    return words / 200 + sum(bool(line.strip()) for text in shown for line in text.splitlines()) / 15


def test_it_is_read_in_20_to_35_minutes_and_says_in_how_many(chapter):
    told = int(re.search(r"(\d+) minutes of reading", cells(chapter, "markdown")[0]["text"])[1])
    assert 20 <= told <= 35
    assert told == pytest.approx(minutes(chapter), abs=2)


def needed(path: Path) -> set[int]:
    """The chapters that a chapter says at its top it needs."""
    line = re.search(r"minutes of reading; .*?; needs (.*?)\.(?:\s|$)", cells(path, "markdown")[0]["text"], flags=re.S)[
        1
    ]
    return {int(number) for number in re.findall(r"\[chapter (\d+)\]", line)}


def test_a_path_through_the_book_has_what_its_chapters_need_before_them():
    needs = {int(path.name[:2]): needed(path) for path in CHAPTERS}
    assert all(max(before) < number for number, before in needs.items() if before)
    rows = re.findall(r"^\| an? .+? \| (.+) \|$", (BOOK / "using.md").read_text(encoding="utf-8"), flags=re.M)
    assert len(rows) == 5
    for row in rows:
        parts = re.findall(r"\b(\d+)(?: to (\d+))?\b", re.sub(r"\[.*?\]\(.*?\)", "", row))
        path = {number for first, last in parts for number in range(int(first), int(last or first) + 1)}
        assert set().union(*(needs[number] for number in path)) <= path, row


def test_it_is_less_than_a_megabyte(notebook):
    assert notebook.stat().st_size < 2**20


def test_its_figures_are_numbered_and_each_has_its_caption_below(chapter):
    notebook = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    numbers = []
    for cell, following in zip(notebook, [*notebook[1:], None], strict=True):
        if cell["cell_type"] == "markdown" and "data-live=" in (text := "".join(cell["source"])):
            caption = re.search(r"</div>\n\n\*\*Figure (\d+)\.(\d+)\.\*\* \S", text)
            assert caption, text
            numbers.append((int(caption[1]), int(caption[2])))
        shown = [output.get("data", {}) for output in cell.get("outputs", [])]
        drawn = any(re.search('class="(diagram|srcnn-compare)', "".join(data.get("text/html", ""))) for data in shown)
        if (drawn or any("image/png" in data for data in shown)) and not {"hide-cell", "remove-cell"} & set(tags(cell)):
            caption = re.match(r"\*\*Figure (\d+)\.(\d+)\.\*\* \S", "".join(following["source"]))
            assert caption, "".join(cell["source"])
            numbers.append((int(caption[1]), int(caption[2])))
    assert numbers == [(int(chapter.name[:2]), number) for number in range(1, len(numbers) + 1)]


def test_a_guess_is_followed_by_a_cell_whose_output_answers(chapter):
    notebook = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    asked = [k for k, cell in enumerate(notebook) if re.search(r"^\*\*Guess first:\*\*", "".join(cell["source"]), re.M)]
    assert len(asked) >= 2
    for k in asked:
        last = "".join(notebook[k]["source"]).rstrip().split("\n\n")[-1]
        assert last.startswith("**Guess first:**"), (
            "the page covers what follows: the guess must stand last in its cell"
        )
        assert notebook[k + 1]["outputs"], last


def test_a_solution_is_folded_in_jupyter_too(chapter):
    notebook = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    solutions = [cell for cell in notebook if "hide-cell" in tags(cell)]
    assert solutions
    assert all(cell["metadata"].get("jupyter") == {"source_hidden": True} for cell in solutions)


def test_its_equations_are_numbered_by_chapter(chapter):
    told = [tag for cell in cells(chapter, "markdown") for tag in re.findall(r"\\tag\{([^}]+)\}", cell["text"])]
    assert told == [f"{int(chapter.name[:2])}.{number}" for number in range(1, len(told) + 1)]


def test_its_first_code_cell_is_the_common_set_up(notebook):
    first = cells(notebook, "code")[0]
    wanted = SETUP.replace("ADDRESS", address.current()).replace("VERSION", srcnn.__version__)
    assert first["text"].strip() == wanted.strip()
    assert "hide-input" in tags(first)


def test_its_prose_reads_the_same_everywhere(notebook):
    for cell in cells(notebook, "markdown"):
        prose = re.sub(r"`[^`\n]*`", "", cell["text"])
        assert not re.search(r"^(:::|```)\s*\{|\{(cite|numref|ref|eq|term|glue|doc|mod|func)\S*\}`", prose, re.M), prose
        assert not re.search(r"!\[", prose), "a picture file is lost in a copied notebook: draw it"


def test_its_links_to_other_pages_lead_somewhere(notebook):
    for cell in cells(notebook, "markdown"):
        for target in re.findall(r"\]\(([^)\s]+)\)", cell["text"]):
            if "://" not in target and not target.startswith("#"):
                assert (BOOK / target).exists(), target


def test_its_cells_were_run_in_order_and_without_errors_or_noise(notebook):
    for number, cell in enumerate(cells(notebook, "code"), 1):
        assert cell["execution_count"] == number
        for output in cell["outputs"]:
            assert output["output_type"] != "error"
            assert output.get("name") != "stderr", output.get("text")
            assert output.get("data", {}).get("text/plain") != [], "shown, but empty: a listing of code that moved?"


def test_every_figure_says_in_words_what_is_seen(notebook):
    drawn = [cell for cell in cells(notebook, "code") if any("image/png" in o.get("data", {}) for o in cell["outputs"])]
    alternatives = [cell["metadata"].get("mystnb", {}).get("image", {}).get("alt", "") for cell in drawn]
    assert drawn, "a chapter needs pictures"
    assert min(map(len, alternatives)) > 40
    assert len(set(alternatives)) == len(alternatives)


def test_its_code_is_short_and_rewrites_nothing_silently(notebook):
    package = {
        name
        for module in (color, evaluation, metrics, model, pairs, resize, training)
        for name, value in vars(module).items()
        if (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__ == module.__name__
    }
    for cell in cells(notebook, "code"):
        if "%pip" in cell["text"] or "remove-cell" in tags(cell):
            continue
        assert len([line for line in cell["text"].splitlines() if line.strip()]) <= 26, cell["text"]
        for node in ast.walk(ast.parse(cell["text"])):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                assert node.end_lineno - node.lineno < 16, node.name
                assert node.name not in package, f"{node.name} is in the package: import it"


def test_an_output_that_may_change_is_followed_by_an_assertion(notebook):
    code = cells(notebook, "code")
    for number, cell in enumerate(code):
        if "nbval-ignore-output" in tags(cell):
            assert any("assert" in later["text"] for later in code[number:]), cell["text"]


def test_it_ends_by_holding_its_prose_to_the_truth(chapter):
    last = cells(chapter, "code")[-1]
    assert "remove-cell" in tags(last)
    assert last["text"].count("assert ") >= 3


def test_it_has_exercises_of_three_grades_with_a_starter_a_hint_and_a_solution(chapter):
    notebook = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in notebook]
    number = int(chapter.name[:2])
    places = [k for k, text in enumerate(texts) if re.match(r"\*\*Exercise \d", text)]
    heads = [re.match(r"\*\*Exercise (\d+)\.(\d+) \((check|apply|explore)\)\.\*\* ", texts[k]).groups() for k in places]
    assert [(int(a), int(b)) for a, b, _ in heads] == [(number, k) for k in range(1, len(heads) + 1)]
    assert {grade for _, _, grade in heads} == {"check", "apply", "explore"}
    questions = importlib.import_module(f"srcnn.checks.chapter_{number:02}").QUESTIONS
    for place, (_, k, _) in zip(places, heads, strict=True):
        statement, starter, *others = texts[place : place + 5]
        assert "<details><summary>Hint</summary>" in statement
        assert notebook[place + 1]["cell_type"] == "code"
        if int(k) in questions:
            assert f'checks.exercise("{number}.{k}", {questions[int(k)].name})' in starter
            told = "".join("".join(o.get("data", {}).get("text/plain", "")) for o in notebook[place + 1]["outputs"])
            assert told.startswith(f"Exercise {number}.{k} waits for you")
        solution = [cell for cell in notebook[place + 2 : place + 5] if "hide-cell" in tags(cell)]
        folded = [text for text in others if text.startswith("<details><summary>")]
        assert solution or folded
    assert questions
    assert set(questions) <= {int(k) for _, k, _ in heads}


def quiz_questions(chapter):
    """For each question of a chapter's quiz, its answers with their explanations."""
    (quiz,) = [cell["text"] for cell in cells(chapter, "markdown") if cell["text"].startswith("## Quiz\n")]
    _, *texts = re.split(r"^\*\*\d\.(?:\*\*)? ", quiz, flags=re.M)
    found = []
    for text in texts:
        answers = re.findall(r"<details><summary>([^\n]+)</summary>\n\n(.+?)\n\n</details>", text, flags=re.S)
        assert len(answers) == text.count("<details>") == text.count("</details>") in (3, 4), text
        found.append(answers)
    return found


def test_it_has_a_quiz_that_answers_every_answer(chapter):
    assert 3 <= len(quiz_questions(chapter)) <= 5
    places = []
    for answers in quiz_questions(chapter):
        right = [number for number, (_, told) in enumerate(answers) if told.startswith("**Right.**")]
        assert len(right) == 1, answers
        assert len({told for _, told in answers}) == len(answers)
        assert min(len(told) for _, told in answers) > 40, answers
        places += right
    assert len(set(places)) > 1, "the right answer always stands at the same place"


def test_the_length_of_an_answer_does_not_tell_whether_it_is_right():
    longest, shortest = [], []  # for each question, whether its right answer is; a tie counts
    for path in CHAPTERS:
        here = []
        for answers in quiz_questions(path):
            lengths = [len(answer) for answer, _ in answers]
            (right,) = [len(answer) for answer, told in answers if told.startswith("**Right.**")]
            here.append(right == max(lengths))
            shortest.append(right == min(lengths))
        assert sum(here) <= 2, f"{path.name}: the right answer is the longest in {sum(here)} questions"
        longest += here
    assert sum(longest) <= len(longest) / 3
    assert sum(shortest) <= 0.4 * len(shortest)


@pytest.mark.parametrize("term", sorted(PRIVATE))
def test_it_says_it_in_the_fields_words(notebook, term):
    for cell in cells(notebook, "markdown"):
        prose = re.sub(r"`[^`]*`|\$[^$]*\$|\]\([^)]*\)", "", cell["text"])
        assert not re.search(term, prose, flags=re.I), PRIVATE[term]


@pytest.mark.parametrize(("color", "mode"), [((7, 7, 7, 255), "L"), ((7, 8, 9, 255), "RGB"), ((7, 7, 7, 100), "RGBA")])
def test_a_stored_picture_is_made_smaller_without_changing_a_pixel(color, mode):
    picture = Image.effect_noise((64, 64), 50).convert("RGBA")
    picture.paste(color, (0, 0, 32, 32))
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=0)
    before = base64.b64encode(stream.getvalue()).decode()
    after = notebooks.smaller(before)
    image = Image.open(io.BytesIO(base64.b64decode(after)))
    assert image.mode == mode
    assert image.convert("RGBA").tobytes() == picture.tobytes()
    assert len(after) < len(before)


def test_a_chapter_run_anew_has_its_outputs_and_its_cost_is_kept_beside_the_others(tmp_path, monkeypatch):
    path, kept = tmp_path / "14_one.ipynb", tmp_path / "chapters.json"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("memory = bytearray(10**8)\nprint(6 * 7)")])
    nbformat.write(notebook, path)
    cost = notebooks.run(path)
    (cell,) = cells(path, "code")
    assert cell["outputs"][0]["text"] == ["42\n"]
    assert 0 < cost["seconds"] < 60
    if Path("/proc/self/status").exists():
        assert 100 < cost["megabytes"] < 1_000
    monkeypatch.setattr(notebooks, "RECORD", kept)
    for costs in ({"14_one": cost}, {"15_two": {"seconds": 1.0}}):
        notebooks.record(costs)
    record = json.loads(kept.read_text(encoding="utf-8"))
    assert record["chapters"] == {"14_one": cost, "15_two": {"seconds": 1.0}}
    assert {"command", "machine", "torch", "srcnn"} < record.keys()


def test_no_chapter_took_more_than_90_seconds_and_all_of_them_8_minutes():
    kept = json.loads((ROOT / "data" / "results" / "chapters.json").read_text(encoding="utf-8"))["chapters"]
    seconds = {path.stem: kept[path.stem]["seconds"] for path in CHAPTERS}
    assert max(seconds.values()) <= 90
    assert sum(seconds.values()) <= 8 * 60


# The pages that are not chapters


def test_the_paper_on_one_page_prints_the_published_figures():
    page = (BOOK / "paper.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (Set5|Set14) \| x(\d) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", page, flags=re.M)
    assert len(rows) == 6
    for name, scale, *figures in rows:
        methods = (("bicubic", None), ("9-1-5", "91 images"), ("9-5-5", "ImageNet"))
        wanted = [published.score(name.lower(), int(scale), *method).psnr for method in methods]
        assert [float(figure) for figure in figures] == wanted
    others = {method: published.score("set5", 3, method).psnr for method in ("SC", "NE+LLE", "ANR", "KK", "A+")}
    others |= {f: published.score("set5", 3, f, "ImageNet").psnr for f in ("9-1-5", "9-3-5", "9-5-5")}
    assert [name for name, psnr in others.items() if f"{psnr:.2f}" not in page] == []


def test_the_page_of_the_commands_lists_all_shipped_weights():
    page = (BOOK / "api" / "commands.md").read_text(encoding="utf-8")
    listed = page.split("Shipped are\n")[1].split("\n\n")[0]
    assert sorted(re.findall(r"`(\S+)`", listed)) == pretrained.names()


def test_the_pages_of_the_package_have_every_module_once():
    pages = [page.read_text(encoding="utf-8") for page in (BOOK / "api").glob("*.md")]
    documented = [name for page in pages for name in re.findall(r"automodule:: (\S+)", page)]
    folder = Path(srcnn.__file__).parent
    paths = [path.relative_to(folder).with_suffix("").parts for path in folder.rglob("*.py")]
    modules = {".".join(["srcnn", *parts]).removesuffix(".__init__") for parts in paths}
    answers = {name for name in modules if re.match(r"srcnn\.checks\.(?!judging)", name)}  # to the assignments
    assert sorted(documented) == sorted(modules - answers - {"srcnn", "srcnn.__main__"})


def glossary() -> set[str]:
    """The terms of the glossary in small letters."""
    lines = (BOOK / "glossary.md").read_text(encoding="utf-8").split("```{glossary}\n")[1].split("```")[0].splitlines()
    return {term.lower() for term in lines[::3]}


def singular(term: str) -> str:
    """A term as the glossary has it: without a plural's ending and without its abbreviation in parentheses."""
    term = " ".join(re.sub(r"\([^)]*\)", " ", term).lower().split())
    return next((found for found in (term, term[:-1], term[:-2], term[:-3] + "y") if found in glossary()), term)


def test_every_term_that_it_introduces_is_in_the_glossary(chapter):
    for cell in cells(chapter, "markdown"):
        prose = re.sub(r"```.*?```|`[^`]*`|\$[^$]*\$", "", cell["text"], flags=re.S)
        for term in re.findall(r"\*\*([^*]+)\*\*", prose):
            if term[-1] not in ".:?!" and term != "After this chapter you can":  # others are such as Guess first:
                assert singular(term) in glossary(), term


def everything() -> str:
    """The prose of all chapters in small letters."""
    texts = [cell["text"] for path in CHAPTERS for cell in cells(path, "markdown")]
    return " ".join(re.sub(r"[*_]", "", " ".join(texts)).lower().split())


def test_every_term_of_the_glossary_is_met_in_a_chapter():
    prose = everything()
    assert [term for term in sorted(glossary()) if term not in prose] == []


# what a reader meets in other books and papers
STANDARD = (
    "overfitting, generaliz, hyperparameter, regulariz, validation set, epoch, mini-batch, residual, skip connection, "
    "piecewise linear, maximum likelihood, lpips, generative, data loader, learning-rate sweep, weight decay, "
    "gradient clipping, profiler, determinis, feature map, downsampl, upsampl, low-resolution, high-resolution, "
    "degradation, ground truth, dot product, low-pass, frequency response, nyquist, point spread function, "
    "standard deviation, tf32"
)


@pytest.mark.parametrize("term", STANDARD.split(", "))
def test_a_reader_meets_the_fields_standard_terms(term):
    assert term in everything()


def test_the_glossary_is_sorted_and_gives_every_term_in_chinese_in_one_line():
    lines = (BOOK / "glossary.md").read_text(encoding="utf-8").split("```{glossary}\n")[1].split("```")[0].splitlines()
    terms, told = lines[::3], lines[1::3]
    assert len(terms) > 50
    assert terms == sorted(terms, key=str.lower)
    assert all(re.match(r'  <span lang="zh-Hans">[^<]*[\u4e00-\u9fff]', line) and line.endswith(".") for line in told)
    assert set(lines[2::3]) <= {""}
