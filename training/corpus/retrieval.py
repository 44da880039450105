"""The RAG prompt: numbered passages, a question, an answer that cites its passage or admits ignorance."""
from . import prompts
from .explain import ASK_SHORT, TOPICS, fill
from .extraction import FILLER, facts, missing
from .source import turn


def passages(s, count, long):
    """`count` passages of facts; each is (text, its questions, its facts)."""
    out = []
    for _ in range(count):
        made = facts(s, s.choice((1, 1, 2, 3)) if not long else s.randint(2, 5))
        sentences = [m[0] for m in made]
        for _ in range(s.choice((0, 0, 1)) if not long else s.randint(0, 4)):
            sentences.insert(s.randint(0, len(sentences)), s.choice(FILLER))
        out.append((" ".join(sentences), [q for m in made for q in m[1]], made))
    return out


def cited(s, long=False):
    count = s.choice((1, 2, 3, 3, 4, 5)) if not long else s.choice((4, 5, 5, 6, 8))
    made = passages(s, count, long)
    i = s.randrange(count)
    question, _, full = s.choice(made[i][1])
    if s.chance(0.2):
        return turn(prompts.rag([m[0] for m in made], missing(s, [f for m in made for f in m[2]])), prompts.RAG_UNKNOWN)
    return turn(prompts.rag([m[0] for m in made], question), f"{full[:-1]} [{i + 1}].")


def cited_long(s):
    return cited(s, long=True)


def concept(s):
    """Passages of real prose about topics: the answer is the sentence that defines the topic."""
    topics = s.sample(list(TOPICS), s.choice((1, 2, 3, 4)))
    i = s.randrange(len(topics))
    name = topics[i]
    ask = s.choice(("What is said about {}?", "Explain {}.", "What do the passages say about {}?", "Tell me about {}.", "Describe {}."))
    texts = [" ".join(TOPICS[t][:s.randint(1, len(TOPICS[t]))]) for t in topics]
    if s.chance(0.2):
        missing = s.choice([t for t in TOPICS if t not in topics])
        return turn(prompts.rag(texts, ask.format(missing)), prompts.RAG_UNKNOWN)
    return turn(prompts.rag(texts, fill(s, s.choice(ASK_SHORT), name) or ask.format(name)), f"{TOPICS[name][0][:-1]} [{i + 1}].")


def reworded(s):
    """Other wordings of the same task, so that it doesn't hang on one prompt."""
    made = passages(s, s.choice((2, 3, 4)), False)
    i = s.randrange(len(made))
    question, _, full = s.choice(made[i][1])
    mark = s.choice(("[{}]", "[{}]", "[{}]", "({})", "Passage {}:", "{}."))
    numbered = "\n".join(f"{mark.format(n)} {m[0]}" for n, m in enumerate(made, 1))
    ask = s.choice(("Use the passages to answer and cite the source.\n\n{p}\n\nQuestion: {q}", "Context:\n{p}\n\nAnswer with a citation: {q}",
                    "Sources:\n{p}\n\n{q} Cite the source.", "{p}\n\nBased on these passages: {q} Give the number of the passage."))
    return turn(ask.format(p=numbered, q=question), f"{full[:-1]} [{i + 1}].")
