"""A quiz as an H5P question set with multiple-choice questions and the feedback of every answer.

The package has the content and no libraries: the platform has those, H5P.QuestionSet 1.20 and H5P.MultiChoice 1.16 or
later ones. Made after the package definition, h5p.org/documentation/developers/json-file-definitions, and the files
semantics.json and library.json of h5p/h5p-multi-choice and h5p/h5p-question-set.
"""

import json
import uuid
from typing import TYPE_CHECKING

import qti

if TYPE_CHECKING:
    from quizzes import Question, Quiz

LIBRARIES = {"H5P.QuestionSet": (1, 20), "H5P.MultiChoice": (1, 16)}
HERE = uuid.UUID("5b1f7c0e-3a52-4a39-9a3e-1d5c0d1c9c6e")  # of this course; a question keeps its number for good


def package(quiz: "Quiz") -> bytes:
    """The bytes of a file ``.h5p``: a zip file with ``h5p.json`` and ``content/content.json``."""
    title = f"Quiz: {quiz.title}"
    about = {
        "title": title,
        "language": "en",
        "mainLibrary": "H5P.QuestionSet",
        "embedTypes": ["iframe"],
        "license": "CC BY",
        "defaultLanguage": "en",
        "preloadedDependencies": [
            {"machineName": name, "majorVersion": major, "minorVersion": minor}
            for name, (major, minor) in LIBRARIES.items()
        ],
    }
    content = {
        "introPage": {"showIntroPage": False, "title": title},
        "progressType": "dots",
        "passPercentage": 50,
        "disableBackwardsNavigation": False,
        "randomQuestions": False,
        "questions": [_question(question, n, quiz) for n, question in enumerate(quiz.questions, start=1)],
        "endGame": {"showResultPage": True, "showSolutionButton": True, "showRetryButton": True},
        "override": {"checkButton": True},
    }
    return qti.archive({
        "h5p.json": json.dumps(about, ensure_ascii=False, indent=1).encode(),
        "content/content.json": json.dumps(content, ensure_ascii=False, indent=1).encode(),
    })  # fmt: skip


def _question(question: "Question", number: int, quiz: "Quiz") -> dict:
    major, minor = LIBRARIES["H5P.MultiChoice"]
    title = f"{quiz.title}, question {number}"
    return {
        "library": f"H5P.MultiChoice {major}.{minor}",
        "subContentId": str(uuid.uuid5(HERE, f"{quiz.name} {number}")),
        "metadata": {"contentType": "Multiple Choice", "license": "U", "title": title},
        "params": {
            "question": question.text,
            "answers": [
                {
                    "text": answer.text,
                    "correct": answer.right,
                    # its library allows no paragraphs in a feedback
                    "tipsAndFeedback": {"tip": "", "chosenFeedback": _flat(answer.feedback), "notChosenFeedback": ""},
                }
                for answer in question.answers
            ],
            "overallFeedback": [{"from": 0, "to": 100}],
            "behaviour": {  # codespell:ignore behaviour
                "enableRetry": True,
                "enableSolutionsButton": True,
                "enableCheckButton": True,
                "type": "single",
                "singlePoint": True,
                "randomAnswers": False,
                "showSolutionsRequiresInput": True,
            },
        },
    }


def _flat(markup: str) -> str:
    return markup.replace("</p>\n<p>", " ").removeprefix("<p>").removesuffix("</p>")
