"""What the model knows about computers and the world: topic -> sentences, definition first."""

CONCEPTS = {
    "a GPU": [
        "A GPU is a processor with thousands of small cores that work in parallel.",
        "It was made for graphics but is also very good at the matrix products of neural networks.",
        "Its fast memory makes it well suited for language models."],
    "a CPU": [
        "A CPU is the main processor of a computer.",
        "It has a few fast cores that can run any program.",
        "Small language models run well on a CPU."],
    "memory": [
        "Memory holds the data and programs that a computer is using.",
        "It is much faster than a disk but loses its content without power.",
        "A model has to fit into memory to run fast."],
    "an operating system": [
        "An operating system manages the hardware of a computer and runs its programs.",
        "It shares memory, files and processor time between them.",
        "Linux, Windows and macOS are operating systems."],
    "HTTP": [
        "HTTP is the protocol that browsers and servers use to talk to each other.",
        "A client sends a request with a method and a path, and the server sends a response with a status code.",
        "The status 200 means success, and 404 means that nothing was found."],
    "an API": [
        "An API is a set of rules by which one program can use another.",
        "A web API is called over HTTP and often answers in JSON.",
        "Good documentation tells which requests are possible and what they return."],
    "JSON": [
        "JSON is a text format for data.",
        "It consists of objects, lists, strings, numbers, true, false and null.",
        "It is easy to read for people and for programs."],
    "a database": [
        "A database stores data so that it can be found and changed quickly.",
        "Many databases keep data in tables and are asked with SQL.",
        "An index makes searching fast."],
    "SQL": [
        "SQL is a language for asking and changing relational databases.",
        "A select statement reads rows from one or more tables.",
        "Other statements insert, update or delete rows."],
    "a cache": [
        "A cache keeps results that may be needed again.",
        "Reading from it is faster than computing or fetching the result once more.",
        "A cache has limited space, so old entries are removed."],
    "a server": [
        "A server is a computer or program that answers requests from clients.",
        "It waits for requests, does the work and sends back responses.",
        "One server can serve many clients at the same time."],
    "the internet": [
        "The internet is a network that connects computers all over the world.",
        "Data travels through it in small packets.",
        "The web, email and video calls all use the internet."],
    "an algorithm": [
        "An algorithm is a list of clear steps that solves a problem.",
        "A recipe is like an algorithm for cooking.",
        "Good algorithms are correct and fast."],
    "a compiler": [
        "A compiler translates a program into instructions that a machine can run.",
        "It also finds many mistakes before the program runs.",
        "An interpreter, in contrast, runs the program directly."],
    "encryption": [
        "Encryption turns a message into a form that only someone with the key can read.",
        "It protects data that is stored or sent.",
        "Web pages use it when their address begins with https."],
    "open source": [
        "Open source software is software whose source code anyone may read, change and share.",
        "A licence says what is allowed.",
        "Many people can work on it together."],
    "Docker": [
        "Docker packs a program with everything it needs into a container.",
        "The container runs in the same way on every machine.",
        "This makes it easy to move software to a server."],
    "Python": [
        "Python is a programming language that is easy to read.",
        "It is used for science, machine learning and web servers.",
        "It was first released in 1991."],
    "JavaScript": [
        "JavaScript is the programming language of web pages.",
        "With Node.js it also runs on servers.",
        "TypeScript adds types to it."],
    "a function": [
        "A function is a named piece of a program that does one task.",
        "It takes inputs and gives back a result.",
        "Functions make programs shorter and easier to test."],
    "a bug": [
        "A bug is a mistake in a program.",
        "It makes the program do something that was not intended.",
        "Tests help to find bugs early."],
    "rate limiting": [
        "Rate limiting restricts how many requests a client may send in a given time.",
        "It protects a server from overload.",
        "A client that sends too many requests gets the status 429."],
    "load balancing": [
        "Load balancing spreads requests over several servers.",
        "No single server gets too much work.",
        "If one server fails, the others take over."],
    "photosynthesis": [
        "Photosynthesis is how plants make sugar from sunlight, water and carbon dioxide.",
        "It takes place in the green parts of the plant.",
        "As a result plants release oxygen into the air."],
    "gravity": [
        "Gravity is the force that pulls things with mass toward each other.",
        "It keeps us on the ground and the Moon in its orbit.",
        "The more mass a body has, the stronger its gravity is."],
    "the sun": [
        "The Sun is a star at the centre of our solar system.",
        "It gives the Earth light and warmth.",
        "Its energy comes from hydrogen that turns into helium."],
    "the moon": [
        "The Moon is a ball of rock that travels around the Earth.",
        "It takes about 27 days for one orbit.",
        "It shines because it reflects the light of the Sun."],
    "the water cycle": [
        "The water cycle is the way water moves between the sea, the air and the land.",
        "The Sun makes water evaporate, and it rises and forms clouds.",
        "It falls as rain or snow and flows back to the sea."],
    "rain": [
        "Rain is water that falls from clouds.",
        "It forms when tiny drops in a cloud join and get too heavy.",
        "Plants and animals need rain to live."],
    "rainbows": [
        "A rainbow appears when sunlight passes through drops of rain.",
        "The drops split the light into its colours.",
        "You can see it when the Sun is behind you."],
    "volcanoes": [
        "A volcano is an opening in the ground through which hot melted rock comes out.",
        "The melted rock is called lava when it reaches the surface.",
        "Many volcanoes lie where plates of the Earth meet."],
    "electricity": [
        "Electricity is the flow of tiny charged particles.",
        "It gives power to lamps, motors and computers.",
        "It can be made from water, wind, sunlight or fuel."],
    "magnets": [
        "A magnet is an object that attracts iron.",
        "It has a north pole and a south pole.",
        "Opposite poles attract each other, and equal poles push each other away."],
    "cells": [
        "A cell is the smallest unit of life.",
        "Some living things have one cell, and others have many billions.",
        "Each cell has its own task in the body."],
    "the heart": [
        "The heart is a muscle that pumps blood through the body.",
        "The blood carries oxygen and food to all cells.",
        "It beats about seventy times a minute in a resting adult."],
    "bees": [
        "Bees are insects that collect nectar and make honey.",
        "They carry pollen from flower to flower, which helps plants to make seeds.",
        "Many of them live in large groups with one queen."],
    "evolution": [
        "Evolution is the slow change of living things over many generations.",
        "Individuals that fit their surroundings better have more young.",
        "In this way new species can arise."],
    "atoms": [
        "An atom is the smallest part of a chemical element.",
        "It has a nucleus with electrons around it.",
        "Atoms join to form molecules such as water."],
    "the seasons": [
        "The seasons change because the axis of the Earth is tilted.",
        "When one half of the Earth leans toward the Sun, it has summer.",
        "At the same time the other half has winter."],
    "music": [
        "Music is sound that is ordered in rhythm and melody.",
        "People make it with their voices and with instruments.",
        "It can make us happy, sad or calm."],
    "democracy": [
        "Democracy is a form of government in which the people decide.",
        "They usually vote for persons who make the laws.",
        "Free speech and fair elections are important parts of it."],
    "sleep": [
        "Sleep is a time of rest for the body and the brain.",
        "While we sleep, the brain sorts what we have learned.",
        "Most adults need seven to nine hours each night."],
    "recycling": [
        "Recycling turns used material into new products.",
        "It saves energy and raw materials.",
        "Paper, glass and metal are often recycled."],
    "money": [
        "Money is something that people accept in exchange for goods and work.",
        "It makes trade easier than swapping things.",
        "Today most of it exists only as numbers in computers."],
    "the solar system": [
        "The solar system consists of the Sun and everything that travels around it.",
        "It has eight planets, and the Earth is the third from the Sun.",
        "The largest planet is Jupiter."],
    "robots": [
        "A robot is a machine that can do tasks by itself.",
        "It uses sensors to notice its surroundings and motors to move.",
        "Robots work in factories, hospitals and homes."],
    "friendship": [
        "Friendship is a bond between people who like and trust each other.",
        "Friends help each other and share good and bad times.",
        "It grows when people are honest and kind."],
}
