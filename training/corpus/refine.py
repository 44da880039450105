"""Critique of an answer, and the rewrite that follows from it."""
from . import prompts
from .answers import answered
from .judgement import kind_for, respond
from .source import assistant, turn, user

CRITIQUES = {
    "good": "The answer is correct and clear. It can stay as it is.",
    "reasoned": "The answer is correct and gives its reasons. It can stay as it is.",
    "padded": "The answer is correct but has needless words. It should be shorter.",
    "cut": "The answer is incomplete and breaks off. It should be finished.",
    "other": "The answer is about something else. It should answer the question.",
    "wrong": "The answer is wrong. It should give the correct fact.",
    "garbled": "The answer makes no sense. It should be written again in clear sentences.",
    "empty": "The answer is empty. It should answer the question.",
    "refusal": "The answer does not answer the question. It should give the fact that was asked for.",
    "repeats": "The answer repeats itself. It should answer the question once and clearly.",
}


def better(a, kind, answer):
    return answer if kind in ("good", "reasoned") else a.good


def conversation(s):
    """The refine mode: answer, critique, rewrite, all in one conversation. The flawed first answer
    comes marked, since the model must not learn to write it."""
    a = answered(s)
    kind = s.choice(("good", "good", kind_for(s, a), kind_for(s, a), "wrong"))
    first = respond(s, a, kind)
    draft = {**assistant(first), "train": False} if kind not in ("good", "reasoned") else assistant(first)
    return [user(a.question), draft, user(prompts.CRITIQUE), assistant(CRITIQUES[kind]), user(prompts.REWRITE), assistant(better(a, kind, first))]


def critique(s):
    a = answered(s)
    kind = kind_for(s, a)
    ask = s.choice(("Critique this answer.\nQuestion: {q}\nAnswer: {a}", "What is wrong with this answer?\nQuestion: {q}\nAnswer: {a}",
                    "Question: {q}\nAnswer: {a}\n\nCritique the answer in one or two sentences."))
    return turn(ask.format(q=a.question, a=respond(s, a, kind)), CRITIQUES[kind])


def rewrite(s):
    a = answered(s)
    kind = kind_for(s, a)
    answer = respond(s, a, kind)
    ask = s.choice(("Rewrite the answer using the critique.\nQuestion: {q}\nAnswer: {a}\nCritique: {c}",
                    "Question: {q}\nAnswer: {a}\nCritique: {c}\nWrite an improved answer."))
    return turn(ask.format(q=a.question, a=answer, c=CRITIQUES[kind]), better(a, kind, answer))
