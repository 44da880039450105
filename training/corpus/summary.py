"""Summaries of a short passage: its first, topic-giving statement, or the facts it lists."""
from .explain import TOPICS
from .extraction import FILLER, facts
from .source import turn
from .stories import HEROES, story
from .words import an

ASK = ("Summarize this text in one sentence.\n\n{c}", "Summarize: {c}", "Give a one-sentence summary of the following text.\n\n{c}", "What is this text about?\n\n{c}",
       "{c}\n\nSummarize the text above in one sentence.", "Write a short summary: {c}", "TL;DR of this text: {c}")


def topic(s):
    sentences = TOPICS[s.choice(list(TOPICS))]
    text = sentences[0] + " " + " ".join(s.sample(sentences[1:], len(sentences) - 1))
    return turn(s.choice(ASK).format(c=text), sentences[0])


def key_fact(s):
    """The fact about a given matter is kept, the filler is dropped."""
    sentence = facts(s, 1)[0][0]
    text = " ".join([sentence] + [s.choice(FILLER) for _ in range(s.randint(1, 3))])
    return turn(s.choice(ASK).format(c=text), sentence)


def of_story(s):
    hero = s.choice(HEROES)
    text = story(s, hero)
    return turn(s.choice(ASK).format(c=text), f"It is a story about {an(hero)}.")
