"""The mixture: which generator gets which share of the documents, and how conversations are joined."""
from . import arithmetic, explain, extraction, general, judgement, prose, raw, refine, retrieval, smalltalk, stories, structured, summary
from .source import Source, system

# category -> (weight of documents, generators)
CATEGORIES = {
    "explain": (13, (explain.explain_count, explain.explain_count, explain.explain, explain.compare)),
    "general": (10, (general.capital, general.language, general.nature, general.fact, general.fact)),
    "smalltalk": (6, (smalltalk.greeting, smalltalk.talk, smalltalk.talk)),
    "memory": (4, (smalltalk.memory,)),
    "unknown": (3, (smalltalk.unknown,)),
    "arithmetic": (13, (arithmetic.sums, arithmetic.sums, arithmetic.sums, arithmetic.word_problem, arithmetic.comparison)),
    "counting": (2, (arithmetic.counting,)),
    "copy": (5, (extraction.repeat, extraction.echo)),
    "extraction": (14, (extraction.single, extraction.single, extraction.single, prose.asked, prose.asked, extraction.in_system, extraction.follow_up, extraction.absent)),
    "retrieval": (10, (retrieval.cited, retrieval.cited, prose.cited, prose.cited, retrieval.concept, retrieval.reworded)),
    "retrieval-long": (1, (retrieval.cited_long,)),
    "json": (9, (structured.from_text, structured.from_text, structured.sentence_to_json, structured.invented, structured.listing)),
    "judgement": (10, (judgement.judge, judgement.judge, judgement.judge, judgement.judge, judgement.reworded, judgement.yes_no)),
    "refine": (6, (refine.conversation, refine.conversation, refine.critique, refine.rewrite)),
    "stories": (2.5, (stories.asked,)),
    "summary": (2.5, (summary.topic, summary.key_fact, summary.of_story)),
}
# A phase in which most documents are short copying tasks; heads that copy form in it, and all
# tasks that take their answer from the prompt build on them.
COPYING = {"copy": (60, (extraction.echo, extraction.echo, extraction.repeat)), "extraction": (25, (extraction.short, prose.asked)),
           "any": (15, (lambda s: document(s)[1],))}
# The last phase, while the learning rate falls, leans on what is learned last: telling right answers from wrong.
FINISHING = {"judgement": 28, "general": 20, "arithmetic": 34, "smalltalk": 14, "explain": 14, "unknown": 2, "copy": 3, "json": 7,
             "stories": 1.5, "summary": 1.5, "counting": 1}
RAW_SHARE = 0.04
JOINED_SHARE = 0.08
SYSTEMS = ("You are a helpful assistant.", "You are a friendly assistant.", "You are a small language model.", "Answer the user's questions.", "Be helpful and short.")


def document(s, category=None, weights=None):
    """(category, messages) or ("raw", text)."""
    if category is None and s.chance(RAW_SHARE):
        return "raw", raw.text(s)
    names = list(CATEGORIES)
    category = category or s.choices(names, [(weights or {}).get(n, CATEGORIES[n][0]) for n in names])[0]
    return category, s.choice(CATEGORIES[category][1])(s)


def joined(s):
    """Several conversations after one another, as one long chat: how the model meets long contexts."""
    messages = [system(s.choice(SYSTEMS))] if s.chance(0.5) else []
    for _ in range(s.choice((2, 2, 3, 3, 4, 5, 6, 8))):
        category, part = document(s)
        if category != "raw" and part[0]["role"] == "user":
            messages += part
    return "joined", messages or document(s, "general")[1]


def copying(s):
    name = s.choices(list(COPYING), [c[0] for c in COPYING.values()])[0]
    messages = s.choice(COPYING[name][1])(s)
    return "raw" if isinstance(messages, str) else name, messages


def documents(seed, heldout=False, phase="main"):
    s, weights = Source(seed, heldout), FINISHING if phase == "finishing" else None
    while True:
        if phase == "copying":
            yield copying(s)
            continue
        made = joined(s) if s.chance(JOINED_SHARE if weights is None else JOINED_SHARE / 2) else document(s, weights=weights)
        if made[0] not in ("raw", "joined") and made[1][0]["role"] == "user" and s.chance(0.06):
            made = made[0], [system(s.choice(SYSTEMS))] + made[1]
        yield made
