"""Questions with a good answer and a wrong one, the raw material of judging and refining."""
from .arithmetic import calculation
from .explain import ASK, ASK_COUNT, ASK_SHORT, COUNTS, TOPICS, fill
from .knowledge import CAPITALS, FACTS, OPPOSITES, THING_COLORS
from .extraction import fact as context_fact


class Answered:
    """`good` is right, `wrong` is false, `reasoned` is right with its reason, `subject` names the matter."""

    def __init__(self, question, good, wrong, reasoned, subject):
        self.question, self.good, self.wrong, self.reasoned, self.subject = question, good, wrong, reasoned, subject


def about_sum(s):
    question, expression, result = calculation(s)
    off = max(0, result + s.choice((-10, -3, -2, -1, 1, 2, 3, 5, 10)))
    off = off if off != result else result + 4
    good = s.choice((f"{expression} = {result}", f"The answer is {result}.", str(result)))
    wrong = good.replace(str(result), str(off)) if good != f"{expression} = {result}" else f"{expression} = {off}"
    a, sign, b = expression.split()
    how = {"+": f"Start with {a} and add {b}.", "-": f"Start with {a} and take away {b}.", "*": f"Add {a} to itself {b} times."}[sign]
    return Answered(question, good, wrong, f"{how} So {expression} = {result}.", "the sum" if sign == "+" else "the calculation")


def about_capital(s):
    country, city = s.choice(list(CAPITALS.items()))
    other = s.choice([c for c in CAPITALS.values() if c != city])
    good = s.choice((f"The capital of {country} is {city.rstrip('.')}.", f"{city.rstrip('.')}"))
    return Answered(f"What is the capital of {country}?", good, good.replace(city.rstrip("."), other.rstrip(".")),
                    f"{city.rstrip('.')} is the capital because the government of {country} sits there.", f"the capital of {country}")


def about_word(s):
    a, b = s.choice(OPPOSITES)
    c, d = s.sample(OPPOSITES, 2)
    wrong = c[1] if c[0] != a else d[1]
    return Answered(f"What is the opposite of {a}?", f"The opposite of {a} is {b}.", f"The opposite of {a} is {wrong}.",
                    f"The opposite of {a} is {b}, because something {b} is not {a}.", f"the opposite of {a}")


def about_colour(s):
    thing, colour = s.choice(list(THING_COLORS.items()))
    other = s.choice([c for c in THING_COLORS.values() if c != colour])
    return Answered(f"What colour is {thing}?", f"{thing[0].upper()}{thing[1:]} is {colour}.", f"{thing[0].upper()}{thing[1:]} is {other}.",
                    f"If you look at {thing}, you see that it is {colour}.", f"the colour of {thing}")


def about_fact(s):
    question, good = s.choice(FACTS)
    other = s.choice([a for q, a in FACTS if a != good])
    return Answered(question, good, other, f"{good} This is known because it has been studied and checked.", "the question")


def about_topic(s):
    topic = s.choice(list(TOPICS))
    sentences = TOPICS[topic]
    n = s.choice((1, 2, 3, 3))
    template, count = s.choice(((ASK, None), (ASK_SHORT, None), (ASK_COUNT, s.choice(COUNTS[n]))))
    question = None
    while question is None:
        question = fill(s, s.choice(template), topic, count)
    name = topic[0].upper() + topic[1:]
    verb = "are" if topic.endswith("s") and not topic.endswith("ss") and not topic.startswith("the ") else "is"
    food = s.choice(("a kind of cheese", "a small town in the north", "a song about the sea", "a type of shoe", "an animal that lives in trees", "a game with a ball"))
    other = s.choice([t[0] for k, t in TOPICS.items() if k != topic and " is " in t[0]])
    wrong = f"{name} {verb} {food}." if s.chance(0.4) else f"{name} {verb} {other.split(' is ', 1)[1]}"
    return Answered(question, " ".join(sentences[:n] if count else sentences[:3]), wrong,
                    f"{' '.join(sentences[:3])} This is why it matters.", topic)


def about_context(s):
    _, questions = context_fact(s)
    question, short, full = s.choice(questions)
    while True:
        _, others = context_fact(s)
        other = s.choice(others)[1]
        if other != short and short in full:
            break
        _, questions = context_fact(s)
        question, short, full = s.choice(questions)
    return Answered(question, full, full.replace(short, other), f"{full} The text says so.", "the question")


KNOWN = (about_sum, about_capital, about_word, about_colour, about_fact, about_topic, about_topic)


def answered(s):
    return s.choice(KNOWN)(s)
