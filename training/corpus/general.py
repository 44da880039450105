"""General knowledge as questions and answers."""
from .knowledge import CAPITALS, CONTINENTS, FACTS, KINDS, LEGS, OPPOSITES, PASTS, PLURALS, SOUNDS, SYNONYMS, THING_COLORS
from .source import turn
from .words import an


def capital(s):
    country, city = s.choice(list(CAPITALS.items()))
    stop = "" if city.endswith(".") else "."
    return s.choice((
        turn(s.choice(("What is the capital of {}?", "What's the capital of {}?", "Tell me the capital of {}.", "what is the capital of {}",
                       "Which city is the capital of {}?", "Name the capital of {}.", "Do you know the capital of {}?", "capital of {}?")).format(country),
             f"The capital of {country} is {city}{stop}"),
        turn(f"{city} is the capital of which country?", f"{city} is the capital of {country}."),
        turn(f"Is {city} the capital of {country}?", f"Yes, {city} is the capital of {country}."),
        wrong_capital(s, country, city)))


def wrong_capital(s, country, city):
    other = s.choice([c for c in CAPITALS.values() if c != city])
    stop = "" if city.endswith(".") else "."
    return turn(f"Is {other} the capital of {country}?", f"No, the capital of {country} is {city}{stop}")


def language(s):
    a, b = s.choice(OPPOSITES)
    if s.chance(0.5):
        a, b = b, a
    one, many = s.choice(PLURALS)
    present, past = s.choice(PASTS)
    word, same = s.choice(SYNONYMS)
    return s.choice((
        turn(s.choice(("What is the opposite of {}?", "Give me the opposite of {}.", "Opposite of {}?", "What's the opposite of {}?")).format(a), f"The opposite of {a} is {b}."),
        turn(s.choice(("What is the plural of {}?", "Give me the plural of {}.")).format(one), f"The plural of {one} is {many}."),
        turn(s.choice(("What is the past tense of {}?", "Give me the past tense of {}.")).format(present), f"The past tense of {present} is {past}."),
        turn(s.choice(("Give me another word for {}.", "What is a synonym of {}?")).format(word), f"Another word for {word} is {same}.")))


def nature(s):
    animal, sound = s.choice(list(SOUNDS.items()))
    legged, legs = s.choice(list(LEGS.items()))
    kind_of, kind = s.choice(list(KINDS.items()))
    thing, colour = s.choice(list(THING_COLORS.items()))
    continent = s.choice(list(CONTINENTS))
    country = s.choice(CONTINENTS[continent])
    count = "no" if legs == 0 else {2: "two", 4: "four", 6: "six", 8: "eight"}[legs]
    return s.choice((
        turn(f"What sound does {an(animal)} make?", f"{an(animal)} {sound}.".capitalize()),
        turn(f"How many legs does {an(legged)} have?", f"{an(legged).capitalize()} has {count} legs."),
        turn(f"What is {an(kind_of)}?", f"{an(kind_of).capitalize()} is {an(kind)}."),
        turn(f"Is {an(kind_of)} {an(kind)}?", f"Yes, {an(kind_of)} is {an(kind)}."),
        turn(f"What colour is {thing}?", f"{thing[0].upper()}{thing[1:]} is {colour}."),
        turn(f"What color is {thing}?", f"{thing[0].upper()}{thing[1:]} is {colour}."),
        turn(f"On which continent is {country}?", f"{country} is in {continent}."),
        turn(f"Where is {country}?", f"{country} is a country in {continent}.")))


def fact(s):
    question, answer = s.choice(FACTS)
    if s.chance(0.15):
        question = question.lower().rstrip("?")
    elif s.chance(0.15):
        question = s.choice(("Tell me: ", "Please tell me: ", "Question: ", "I have a question. ")) + question
    return turn(question, answer)
