"""Definitions, and explanations in a wished number of sentences."""
from .concepts_ml import CONCEPTS as ML
from .concepts_world import CONCEPTS as WORLD
from .source import system, turn

TOPICS = {**ML, **WORLD}
COUNTS = {1: ("1 sentence", "one sentence"), 2: ("2 sentences", "two sentences"), 3: ("3 sentences", "three sentences"),
          4: ("4 sentences", "four sentences"), 5: ("5 sentences", "five sentences")}
ASK_COUNT = ("Explain {t} simply in {n}.", "Explain {t} in {n}.", "In {n}, explain {t}.", "In {n}, what is {s}?", "Describe {t} in {n}.",
             "Tell me about {t} in {n}.", "What should I know about {t}? Answer in {n}.", "Give me {n} about {t}.",
             "Write {n} about {t}.", "Can you explain {t} in {n}?", "Please explain {t} in {n}.", "Use {n} to explain {t}.",
             "Explain {t} to a child in {n}.", "Explain {t} in {n}, please.", "Summarize {t} in {n}.", "Explain {t} in simple words in {n}.")
ASK = ("Explain {t}.", "Explain {t} simply.", "Tell me about {t}.", "Can you explain {t}?", "Please explain {t}.", "Describe {t}.",
       "What do you know about {t}?", "I want to learn about {t}.", "Help me understand {t}.", "Explain {t} in simple terms.",
       "How would you explain {t}?", "How do {p} work?", "How does {s} work?", "Give me a short explanation of {t}.")
ASK_SHORT = ("What is {s}?", "What are {p}?", "Define {t}.", "What does {b} mean?", "What is meant by {t}?", "what is {s}", "What's {s}?",
             "Give a short definition of {t}.", "{B}?")
PLURAL = {t for t in TOPICS if t.endswith("s") and not t.startswith(("a ", "an ", "the ")) and t not in ("photosynthesis", "cosine similarity")}
SINGULAR = {"transformers": "a transformer", "tokens": "a token", "embeddings": "an embedding", "vector databases": "a vector database",
            "language models": "a language model", "neural networks": "a neural network", "prompts": "a prompt", "rainbows": "a rainbow",
            "volcanoes": "a volcano", "magnets": "a magnet", "cells": "a cell", "atoms": "an atom", "robots": "a robot",
            "the KV cache": "a KV cache", "bees": "a bee"}
ALIASES = {"the KV cache": ("KV caching", "a KV cache", "key-value caching"), "transformers": ("a transformer", "the transformer", "transformer models"),
           "tokenization": ("tokenisation", "how tokenization works"), "attention": ("the attention mechanism",), "RAG": ("retrieval-augmented generation",),
           "artificial intelligence": ("AI",), "language models": ("large language models", "LLMs", "an LLM"), "a GPU": ("GPUs", "graphics cards"),
           "HTTP": ("the HTTP protocol",), "an API": ("APIs",), "a database": ("databases",), "the sun": ("the Sun",), "the moon": ("the Moon",),
           "quantization": ("quantisation",), "prefix caching": ("prompt caching",), "batching": ("request batching",), "a CPU": ("CPUs",)}


def named(s, topic):
    """The topic as a user may call it: with or without article, singular or plural, other spellings."""
    names = [topic] * 3 + list(ALIASES.get(topic, ())) + ([SINGULAR[topic]] if topic in SINGULAR else [])
    return s.choice(names)


def fill(s, template, topic, count=None):
    name = named(s, topic)
    bare = name.split(" ", 1)[1] if name.startswith(("a ", "an ", "the ")) else name
    singular = SINGULAR.get(topic, name) if topic in PLURAL or topic == "the KV cache" else name
    if "{p}" in template and topic not in PLURAL:
        return None
    if "{s}" in template and topic in PLURAL and topic not in SINGULAR:
        return None
    text = template.format(t=name, s=singular, p=topic, b=bare, B=bare[0].upper() + bare[1:], n=count or "")
    return text if s.chance(0.9) else text.lower().rstrip(".")


def explain_count(s):
    """Exactly the wished number of sentences, as far as the topic has them."""
    topic = s.choice(list(TOPICS)) if s.chance(0.9) else s.choice(("transformers", "the KV cache", "attention"))
    sentences = TOPICS[topic]
    n = s.choice((1, 2, 3, 3, 3, 4, 5))
    n = min(n, len(sentences))
    question = None
    while question is None:
        question = fill(s, s.choice(ASK_COUNT), topic, s.choice(COUNTS[n]))
    return turn(question, " ".join(sentences[:n]))


def explain(s):
    topic = s.choice(list(TOPICS))
    sentences = TOPICS[topic]
    short = s.chance(0.5)
    question = None
    while question is None:
        question = fill(s, s.choice(ASK_SHORT if short else ASK), topic)
    messages = turn(question, " ".join(sentences[:2] if short else sentences))
    if not short and s.chance(0.15):
        messages = [system(s.choice(("Answer in one sentence.", "Be brief.", "Keep your answers short.", "Reply with one sentence only.")))] + messages
        messages[-1]["content"] = sentences[0]
    elif s.chance(0.15):
        messages += turn(s.choice(("Tell me more.", "Can you say it in one sentence?", "Shorter, please.")), "")
        messages[-1]["content"] = " ".join(sentences[-2:]) if messages[-2]["content"] == "Tell me more." else sentences[0]
    return messages


def compare(s):
    """Two definitions side by side."""
    a, b = s.sample([t for t in TOPICS if t not in PLURAL and len(t) < 22], 2)
    ask = s.choice(("What is the difference between {a} and {b}?", "Compare {a} and {b}.", "How do {a} and {b} differ?"))
    second = TOPICS[b][0]
    if not second[1].isupper() and not second.startswith(("Docker", "Python", "Java")):
        second = second[0].lower() + second[1:]
    return turn(ask.format(a=a, b=b), f"{TOPICS[a][0]} In contrast, {second}")
