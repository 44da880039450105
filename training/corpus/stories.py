"""Short stories, composed from parts so that no two are alike."""
from .source import turn
from .words import ADJECTIVES, ANIMALS, COLORS, FIRST, FOODS, HIS, HOBBIES, JOBS, THINGS, an

HEROES = ["robot", "girl", "boy", "king", "queen", "dragon", "wizard", "computer", "cloud", "star", "giant", "princess", "knight", "snail"] + ANIMALS + JOBS[:14]
PLACES = ("in a small village", "near a deep forest", "by the sea", "on a high mountain", "in a big city", "on a quiet farm", "in an old castle",
          "on a small island", "beside a wide river", "at the edge of a desert", "in a little house on a hill", "in a valley full of flowers")
HE, SHE = [n for n in FIRST if n in HIS], [n for n in FIRST if n not in HIS]
TRAITS = "kind curious brave shy clever lazy friendly lonely cheerful careful little proud gentle hungry".split()


def story(s, hero=None):
    """Five to seven sentences: who and where, a wish, a problem, help, and how it ends."""
    hero = hero or s.choice(HEROES)
    trait, place = s.choice(TRAITS), s.choice(PLACES)
    name = s.choice(SHE if hero in ("girl", "queen", "princess") else HE if hero in ("boy", "king", "wizard") else FIRST)
    he, his, him = ("he", "his", "him") if name in HIS else ("she", "her", "her")
    friend = s.choice([x for x in ANIMALS if x != hero])
    thing = f"{s.choice(COLORS + ADJECTIVES[:10])} {s.choice(THINGS)}"
    opening = s.choice((f"Once upon a time there was {an(trait)} {hero} called {name}, who lived {place}.", f"Once upon a time, {an(trait)} {hero} named {name} lived {place}.",
                        f"There once was {an(trait)} {hero} called {name}, who lived {place}.", f"{name} was {an(trait)} {hero} who lived {place}."))
    wish, problem, help_, end = s.choice((
        (f"Every day {name} looked for something new to learn.", f"One morning {he} found {an(thing)} beside the road.", f"{an(friend).capitalize()} came by and told {him} whom it belonged to.",
         f"Together they brought it back, and everyone thanked them."),
        (f"{name} wanted to have a friend more than anything else.", f"But all the others were too busy to play.", f"Then {he} met {an(friend)} that was just as lonely.",
         f"From that day on they were always together."),
        (f"{name} loved {s.choice(HOBBIES)} and did it every evening.", f"One night a storm came and took {his} {thing} away.", f"{an(friend).capitalize()} helped {him} to search until the sun came up.",
         f"They found it at last and danced for joy."),
        (f"{name} had a garden full of {s.choice(FOODS)}.", f"One day {an(friend)} came and asked for something to eat.", f"{name} shared everything {he} had.",
         f"The next year the {friend} came back with a gift, {an(thing)}."),
        (f"{name} dreamed of travelling to the stars.", f"But {he} had only {an(thing)} and no idea how to begin.", f"{an(friend).capitalize()} said that every journey begins with one step.",
         f"So {name} took the first step, and after many years {he} saw the stars from very near."),
        (f"Everybody said that {name} was too small to do great things.", f"One day the {s.choice(THINGS[:20])} of the village broke, and nobody could mend it.",
         f"With the help of {an(friend)}, {name} worked all night long.", f"In the morning it was as good as new, and all the people cheered.")))
    extra = s.choice(("", "", f"It was a {s.choice(('warm', 'cold', 'bright', 'quiet', 'windy'))} day.", f"{name} was not afraid.", f"At first {he} did not know what to do."))
    moral = s.choice((f"And so {name} learned that it is good to help others.", f"{name} was very happy.", "And they lived happily ever after.", f"That night {name} slept very well.",
                      "It was the best day of all.", f"{name} never forgot that day."))
    return " ".join(x for x in (opening, wish, problem, extra, help_, end, moral) if x)


ASK = ("Write a short story about {h}.", "Tell me a story about {h}.", "Write a story about {h}.", "Can you tell me a story about {h}?", "I want to hear a story about {h}.",
       "Please write a short story about {h}.", "Make up a short story about {h}.", "Once upon a time there was {h}. Tell me more.")


def asked(s):
    hero = s.choice(HEROES)
    if s.chance(0.2):
        return turn(s.choice(("Tell me a story.", "Write a short story.", "Tell me a short story.", "I want a bedtime story.", "Write a story for children.")), story(s))
    return turn(s.choice(ASK).format(h=an(hero)), story(s, hero))
