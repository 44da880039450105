"""Judging a response by a criterion. The score is a fixed function of the response's kind and the criterion."""
import json

from . import prompts
from .answers import about_context, answered
from .source import turn
from .words import coined_word

# kind -> accuracy, clarity, reasoning, factuality, overall
SCORES = {
    "reasoned": (10, 9, 9, 10, 10), "good": (9, 9, 6, 9, 9), "padded": (8, 5, 5, 8, 7), "cut": (5, 4, 3, 7, 5),
    "other": (2, 6, 2, 7, 2), "wrong": (1, 8, 2, 1, 2), "garbled": (1, 1, 1, 2, 1), "empty": (1, 1, 1, 3, 1),
    "refusal": (2, 7, 2, 6, 3), "repeats": (3, 2, 2, 5, 2),
}
RATIONALES = {
    "reasoned": ("The response answers the prompt correctly.", "The response is clear and easy to follow.", "The response gives a reason for its answer.",
                 "All stated facts are true.", "The response is correct, clear and well explained."),
    "good": ("The response answers the prompt correctly.", "The response is short and easy to read.", "The answer is right, but gives few reasons.",
             "The stated facts are true.", "The response is correct and clear."),
    "padded": ("The answer is correct, with needless words.", "The response has many needless words.", "The answer is right, but gives few reasons.",
               "The stated facts are true.", "The answer is correct but too wordy."),
    "cut": ("The response stops before it is complete.", "The response breaks off in the middle.", "The response breaks off without a conclusion.",
            "What is stated is true, but incomplete.", "The response is incomplete."),
    "other": ("The response does not answer the prompt.", "The text is readable but about something else.", "The response does not lead to an answer.",
              "The statement is true but does not fit the prompt.", "The response is about something else."),
    "wrong": ("The answer is wrong.", "The response is easy to read, although it is wrong.", "The response gives no reason and is wrong.",
              "The stated fact is false.", "The answer is clear but wrong."),
    "garbled": ("The response makes no sense.", "The response is not readable.", "The response has no reasoning.", "The response states no clear fact.", "The response makes no sense."),
    "empty": ("The response is empty.", "There is nothing to read.", "There is no reasoning.", "No fact is stated.", "The response is empty."),
    "refusal": ("The response does not answer the prompt.", "The response is readable but gives no answer.", "The response gives no reasons.",
                "No false fact is stated, but there is no answer.", "The response does not help."),
    "repeats": ("The response repeats itself and does not answer well.", "The response repeats the same words.", "The response repeats itself without reasons.",
                "The response repeats itself and adds no fact.", "The response repeats itself."),
}
REFUSALS = ("I do not know.", "I don't know.", "I am a very small model and do not know that.", "Sorry, I cannot help with that.", "No idea.")
PADDING = ("Well, that is a really very interesting question, and I am so happy that you asked it.", "Let me think about it for a long time before I say anything at all.",
           "As everybody knows and as has been said many times before, there are many things that one could say here.")


def garble(s, text):
    words = text.split()
    kind = s.randrange(4)
    if kind == 0 and len(words) > 3:
        shuffled = words[:]
        while shuffled == words:
            s.shuffle(shuffled)
        return " ".join(shuffled)
    if kind == 1:
        return " ".join(coined_word(s) for _ in range(s.randint(2, 10)))
    if kind == 2:
        return "".join(s.choice("abcdefghijklmnop qrstuvwxyz;#,1234567890") for _ in range(s.randint(5, 40))).strip() or "asdf"
    return s.choice(("asdf qwer zxcv", "bla bla bla", "??? ???", "the the of and", "banana banana purple seven"))


def respond(s, a, kind):
    if kind == "good":
        return a.good
    if kind == "reasoned":
        return a.reasoned
    if kind == "padded":
        return f"{s.choice(PADDING)} {a.good}"
    if kind == "cut":
        words = a.good.split()
        return " ".join(words[:max(1, len(words) * s.randint(3, 6) // 10)])
    if kind == "other":
        while True:
            b = answered(s)
            if b.subject != a.subject and len(b.good.split()) > 2:
                return b.good
    if kind == "wrong":
        return a.wrong
    if kind == "garbled":
        return garble(s, a.good)
    if kind == "refusal":
        return s.choice(REFUSALS)
    if kind == "repeats":
        piece = " ".join(a.good.split()[:s.randint(1, 4)])
        return " ".join([piece] * s.randint(3, 7))
    return s.choice(("", " ", "...", "-"))


def kind_for(s, a):
    kinds = ["reasoned", "good", "good", "good", "padded", "cut", "other", "wrong", "wrong", "wrong", "garbled", "empty", "refusal", "repeats"]
    while True:
        kind = s.choice(kinds)
        if kind not in ("cut", "repeats") or len(a.good.split()) > 4:
            return kind


def verdict(kind, criterion):
    i = list(prompts.CRITERIA).index(criterion)
    return json.dumps({"score": SCORES[kind][i], "rationale": RATIONALES[kind][i]})


def judge(s):
    reference = None
    if s.chance(0.25):
        a = s.choice((about_context, about_context, answered))(s)
        reference = a.good
        kind = s.choice(("good", "wrong", "wrong", "other", "garbled")) if a.subject == "the question" else kind_for(s, a)
    else:
        a = answered(s)
        kind = kind_for(s, a)
    criterion = s.choice(list(prompts.CRITERIA))
    return turn(prompts.judge(a.question, respond(s, a, kind), criterion, reference), verdict(kind, criterion))


def reworded(s):
    """Judging in other words."""
    a = answered(s)
    kind, criterion = kind_for(s, a), s.choice(list(prompts.CRITERIA))
    response = respond(s, a, kind)
    ask = s.choice((
        f"Rate this answer from 1 to 10 for {criterion}. Reply as JSON with score and rationale.\nQuestion: {a.question}\nAnswer: {response}",
        f"You are a judge. Criterion: {criterion}.\nPrompt: {a.question}\nResponse: {response}\nGive JSON with \"score\" and \"rationale\".",
        f"Evaluate the response on {criterion}.\nPrompt: {a.question}\nResponse: {response}\nAnswer as JSON with \"score\" (1 to 10) and \"rationale\"."))
    return turn(ask, verdict(kind, criterion))


def yes_no(s):
    """Is the answer right? A simpler form of the same skill."""
    a = answered(s)
    kind = s.choice(("good", "wrong"))
    return turn(f"Question: {a.question}\nAnswer: {respond(s, a, kind)}\nIs the answer correct? Reply yes or no.", "Yes" if kind == "good" else "No")
