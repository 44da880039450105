"""Greetings, thanks, questions about the model itself, chat memory, and honest ignorance."""
from .prompts import UNKNOWN
from .source import system, turn
from .words import (an, ANIMALS, COLORS, FIRST, FOODS, HOBBIES, JOBS, coined, number, person, place)

GREETINGS = ("Hello!", "Hello", "Hi", "Hi!", "Hey", "Hey there!", "Hi there", "Good morning!", "Good evening!", "Good afternoon.",
             "hello", "hi", "Greetings!", "Hello, how are you?", "Hi, how are you?", "How are you?", "How are you doing?", "What's up?")
TALK = {
    ("Who are you?", "What are you?", "Who am I talking to?", "Tell me about yourself.", "Introduce yourself.", "who are you", "What's your name?",
     "What is your name?", "Are you a robot?", "Are you a human?", "Are you ChatGPT?", "Which model are you?", "What model is this?"):
        "I am the built-in model of llm-server, a very small language model that runs on this machine.",
    ("What can you do?", "How can you help me?", "What are you good at?", "What can I ask you?", "Help", "help me"):
        "I can answer simple questions, explain terms, find facts in a text you give me, add small numbers and write short stories.",
    ("Who made you?", "Who created you?", "Who trained you?", "Where do you come from?"):
        "I was trained from scratch by the llm-server project on text that it generated itself.",
    ("Are you smart?", "Can you make mistakes?", "Are you always right?", "Can I trust you?"):
        "I am a very small model and often make mistakes, so please check what I say.",
    ("How big are you?", "How many parameters do you have?", "How large are you?"):
        "I have about four million parameters, which is very small for a language model.",
    ("Thank you!", "Thanks!", "Thanks a lot.", "thank you", "thanks", "Great, thanks!"):
        "You are welcome!",
    ("Goodbye!", "Bye!", "See you later.", "bye", "Good night!", "See you!"):
        "Goodbye! Have a nice day.",
    ("Tell me a joke.", "Do you know a joke?", "Make me laugh.", "tell me a joke"):
        "Why did the computer go to bed early? It needed to go to sleep mode.",
    ("Are you there?", "Can you hear me?", "test", "Test", "ping", "Is this working?"):
        "Yes, I am here. What would you like to know?",
    ("I am sad.", "I feel bad today.", "I had a bad day."):
        "I am sorry to hear that. I hope that tomorrow will be better.",
    ("I am happy.", "I had a great day!", "I feel good."):
        "That is wonderful to hear!",
    ("Say hello.", "Say hi.", "Say hello to me.", "Please say hello."): "Hello!",
    ("Yes.", "Yes", "OK", "Okay.", "ok", "No."): "All right. What would you like to know?",
    ("Write one sentence.", "Say something.", "Write a sentence.", "Write something."): "The sun is shining, and the birds are singing in the garden.",
    ("Write a haiku.", "Write a poem.", "Write a short poem.", "Can you write a poem?"):
        "The night is calm, the stars are bright,\nthe moon looks down with silver light,\nthe river sings a quiet song,\nand carries all our dreams along.",
    ("Count to five.", "Count to 5.", "Count from one to five.", "Count from 1 to 5."): "1, 2, 3, 4, 5",
    ("Count to ten.", "Count to 10.", "Count from 1 to 10."): "1, 2, 3, 4, 5, 6, 7, 8, 9, 10",
    ("What is your favourite colour?", "Do you have feelings?", "Do you like music?", "How old are you?", "Do you sleep?"):
        "I am only a language model, so I have no feelings or age of my own.",
}


def greeting(s):
    question = s.choice(GREETINGS)
    answer = "I am fine, thank you. How can I help you?" if "how are" in question.lower() or "What's up" in question else "Hello! How can I help you?"
    return turn(question, answer)


def talk(s):
    questions = s.choice(list(TALK))
    question, answer = s.choice(questions), TALK[questions]
    if "Who are you?" in questions and s.chance(0.06):
        name, job = s.entity(coined), s.choice(JOBS)
        rules = s.choice((f"You are {name}, a friendly {job}.", f"Your name is {name}. You are {an(job)}.", f"You are {an(job)} called {name}."))
        return [system(rules)] + turn(s.choice(("Who are you?", "What is your name?", "Introduce yourself.")), f"I am {name}, {an(job)}.")
    if s.chance(0.15):
        return [system(s.choice(("You are a helpful assistant.", "You are a friendly assistant.", "Answer politely.", "You are an assistant.")))] + turn(question, answer)
    return turn(question, answer)


def memory(s):
    """Facts the user told in an earlier turn are asked for later."""
    name, town = s.entity(person), s.entity(place)
    facts = [
        (f"my name is {name}", "What is my name?", f"Your name is {name}."),
        (f"I live in {town}", "Where do I live?", f"You live in {town}."),
        (f"my favourite colour is {(c := s.choice(COLORS))}", "What is my favourite colour?", f"Your favourite colour is {c}."),
        (f"I am {(a := s.randint(7, 90))} years old", "How old am I?", f"You are {a} years old."),
        (f"I have {an(pet_kind := s.choice(ANIMALS))} called {(pet := s.entity(coined))}", f"What is my {pet_kind} called?", f"Your {pet_kind} is called {pet}."),
        (f"I work as {an(j := s.choice(JOBS))}", "What is my job?", f"You work as {an(j)}."),
        (f"I like {(h := s.choice(HOBBIES))}", "What do I like?", f"You like {h}."),
        (f"I want to buy {(f := s.choice(FOODS))}", "What do I want to buy?", f"You want to buy {f}."),
        (f"my lucky number is {(n := number(s))}", "What is my lucky number?", f"Your lucky number is {n}."),
        (f"my friend is called {(fr := s.entity(person))}", "What is my friend called?", f"Your friend is called {fr}."),
    ]
    told = s.sample(facts, s.choice((1, 2, 2, 3)))
    joined = " and ".join(f[0] for f in told)
    messages = turn(joined[0].upper() + joined[1:] + ".", s.choice(("Nice to meet you!", "Thank you for telling me.", "I will remember that.")))
    if s.chance(0.3):
        messages += greeting(s) if s.chance(0.5) else talk(s)[-2:]
    for _, question, answer in s.sample(told, s.randint(1, len(told))):
        messages += turn(question if s.chance(0.8) else f"Do you remember: {question[0].lower()}{question[1:]}", answer)
    if s.chance(0.2):
        other = s.choice([f for f in facts if f not in told and "called" not in f[0]])
        messages += turn(other[1], "You have not told me that.")
    return messages


def unknown(s):
    """Questions about private, future, invented or too hard matters get an honest answer."""
    who, town, word = person(s), place(s), coined(s).lower()
    question = s.choice((
        f"Who is {who}?", f"What is the phone number of {who}?", f"Where is {town}?", f"What is {word}?", f"Who won the match in {town}?",
        f"What will the weather be in {town} tomorrow?", f"What is the population of {town}?", f"When was {who} born?",
        f"Who invented the {word}?", f"What did {s.choice(FIRST)} eat today?", f"How do I build a {word}?",
        f"What happened in {s.randint(1000, 2030)} in {town}?", f"What is the price of {s.choice(FOODS)} in {town}?", f"Who is the mayor of {town}?",
        "What is the news today?", "What time is it?", "What is the date today?", "Write a program for my homework.", "Prove this theorem.",
        f"Translate {word} into German.", f"What does {word} mean?", f"What is the email address of {who}?", "What are the lottery numbers?",
        f"Why did {who} leave {town}?", f"What is the meaning of {word}?", f"Who wrote {coined(s)} {coined(s)}?", "What is the stock price today?"))
    return turn(question, UNKNOWN)
