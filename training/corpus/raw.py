"""Text outside any conversation, for raw completions."""
from .explain import TOPICS
from .knowledge import CAPITALS, FACTS, KINDS, OPPOSITES
from .stories import story
from .words import an


def text(s):
    kind = s.random()
    if kind < 0.35:
        return story(s)
    if kind < 0.6:
        return " ".join(TOPICS[s.choice(list(TOPICS))])
    facts = []
    for _ in range(s.randint(1, 5)):
        country, city = s.choice(list(CAPITALS.items()))
        low, high = s.choice(OPPOSITES)
        thing, sort = s.choice(list(KINDS.items()))
        facts.append(s.choice((f"The capital of {country} is {city.rstrip('.')}.", f"{city.rstrip('.')} is the capital of {country}.", f"The opposite of {low} is {high}.",
                               f"{an(thing).capitalize()} is {an(sort)}.", s.choice(FACTS)[1])))
    return " ".join(facts)
