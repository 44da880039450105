"""What the model knows about language models and serving them: topic -> sentences, definition first."""

CONCEPTS = {
    "transformers": [
        "A transformer is a neural network that reads text as a sequence of tokens.",
        "It uses attention to decide which earlier tokens matter for each new token.",
        "By stacking many such layers, it learns patterns well enough to predict and write text.",
        "All tokens of a prompt are processed in parallel, which makes training fast.",
        "Most modern language models are transformers."],
    "attention": [
        "Attention is the part of a transformer that lets each token look at other tokens.",
        "Every token makes a query, a key and a value, and the query is compared with all keys.",
        "The values of the best matching tokens are mixed together to form the result.",
        "This is how a model connects a word with the words it depends on.",
        "Its cost grows with the square of the length of the text."],
    "self-attention": [
        "Self-attention means that the tokens of one text attend to each other.",
        "Each token compares its query with the keys of all tokens it may see.",
        "The result is a weighted mix of their values."],
    "multi-head attention": [
        "Multi-head attention runs several attention operations side by side.",
        "Each head can look for a different kind of relation between tokens.",
        "The results of all heads are joined and passed to the next layer."],
    "grouped-query attention": [
        "Grouped-query attention lets several query heads share one pair of key and value heads.",
        "This makes the KV cache smaller, so more requests fit in memory.",
        "The quality stays close to that of full multi-head attention."],
    "tokenization": [
        "Tokenization splits text into small pieces called tokens.",
        "A token can be a word, a part of a word or a single character.",
        "The model sees each token as a number from its vocabulary.",
        "Common words become one token, and rare words become several."],
    "tokens": [
        "A token is a small piece of text, such as a word or a part of a word.",
        "A language model reads tokens and writes one new token at a time.",
        "The length of a prompt and the price of a request are counted in tokens."],
    "the KV cache": [
        "A KV cache stores the keys and values of tokens that a model has already processed.",
        "With it, each new token needs only its own computation instead of the whole text again.",
        "The cache makes generation fast, but it uses memory that grows with the length of the text.",
        "Requests that begin with the same text can share the cached part."],
    "prefill": [
        "Prefill is the first phase of a request, in which the model reads the whole prompt.",
        "All prompt tokens are processed in parallel, so this phase is limited by computing power.",
        "It fills the KV cache and ends with the first new token.",
        "A long prompt makes prefill slow, which delays the first token."],
    "decode": [
        "Decode is the phase in which the model writes its answer one token at a time.",
        "Each step reads all weights to make a single token, so it is limited by memory bandwidth.",
        "Serving several requests in one batch makes decode much more efficient."],
    "prefill and decode": [
        "Prefill reads the whole prompt at once, and decode writes the answer one token at a time.",
        "Prefill is limited by computing power, while decode is limited by memory bandwidth.",
        "Together they make up the time of a request."],
    "batching": [
        "Batching means that a server processes several requests together.",
        "The weights of the model are read once and used for all requests in the batch.",
        "This raises the throughput, but a very large batch can make each request slower."],
    "continuous batching": [
        "Continuous batching lets requests join and leave a running batch at every step.",
        "A new request does not have to wait until all others are finished.",
        "This keeps the hardware busy and makes waiting times short."],
    "latency": [
        "Latency is the time between a request and its answer.",
        "For a language model it consists of waiting, prefill and decode.",
        "Users notice above all the time to the first token."],
    "throughput": [
        "Throughput is the amount of work that a system does per second.",
        "For a language model it is counted in tokens or requests per second.",
        "Batching raises the throughput, often at the price of some latency."],
    "time to first token": [
        "The time to first token is the time from a request to the first piece of its answer.",
        "It consists of the time in the queue and the time of the prefill.",
        "Short prompts and a prefix cache make it small."],
    "prefix caching": [
        "Prefix caching keeps the KV cache of a prompt so that later requests can use it again.",
        "If a new prompt begins with the same text, that part does not have to be computed.",
        "This makes the first token of chats and of shared system prompts much faster."],
    "quantization": [
        "Quantization stores the weights of a model with fewer bits.",
        "It makes the model smaller and faster, because less memory has to be read.",
        "With 8 bits almost no quality is lost, while with very few bits the answers get worse."],
    "sampling": [
        "Sampling is how a model chooses the next token from its predicted probabilities.",
        "A low temperature makes the choice more certain, and a high one makes it more varied.",
        "Methods such as top-p and top-k remove unlikely tokens before the choice."],
    "temperature": [
        "Temperature controls how random the choice of the next token is.",
        "At zero the model always takes the most likely token.",
        "Higher values make the text more varied but also less reliable."],
    "top-p sampling": [
        "Top-p sampling keeps the smallest set of tokens whose probabilities add up to p.",
        "The next token is then drawn from this set only.",
        "It removes unlikely tokens but keeps variety where many tokens are plausible."],
    "top-k sampling": [
        "Top-k sampling keeps only the k most likely tokens.",
        "The next token is then drawn from these.",
        "With k equal to one the choice is always the most likely token."],
    "greedy decoding": [
        "Greedy decoding always chooses the most likely next token.",
        "It gives the same answer each time.",
        "It can be repetitive in longer texts."],
    "speculative decoding": [
        "Speculative decoding lets a small model guess several tokens that a large model then checks.",
        "All guesses are checked in one step, so correct guesses save time.",
        "The result is the same as from the large model alone."],
    "embeddings": [
        "An embedding is a list of numbers that represents the meaning of a text.",
        "Texts with similar meaning have embeddings that lie close together.",
        "They are used for search, grouping and retrieval."],
    "cosine similarity": [
        "Cosine similarity measures the angle between two vectors.",
        "It is one when they point in the same direction and zero when they are unrelated.",
        "It is often used to compare embeddings."],
    "vector databases": [
        "A vector database stores embeddings and finds those closest to a query.",
        "It uses an index so that it need not compare the query with every vector.",
        "It is often used for retrieval-augmented generation."],
    "RAG": [
        "RAG means retrieval-augmented generation.",
        "It first searches documents for passages that fit a question and then gives them to a language model.",
        "The model answers from these passages and can cite them.",
        "This lets a model use facts that it was never trained on."],
    "language models": [
        "A language model predicts the next token of a text.",
        "It learns this from many examples and can then write answers, stories or code.",
        "It can be wrong, so important answers should be checked."],
    "neural networks": [
        "A neural network is a program made of layers of simple units with weights.",
        "It learns by changing its weights until its outputs fit the examples.",
        "Neural networks are used for text, images and sound."],
    "deep learning": [
        "Deep learning uses neural networks with many layers.",
        "The early layers find simple patterns, and the later layers combine them.",
        "It needs much data and much computing power."],
    "machine learning": [
        "Machine learning lets a computer learn from examples instead of fixed rules.",
        "A model is trained on data and then used on new cases.",
        "Its quality depends on the quality of the data."],
    "artificial intelligence": [
        "Artificial intelligence is the field of making machines do tasks that seem to need intelligence.",
        "Examples are understanding language, recognising images and making plans.",
        "Most of it today is based on machine learning."],
    "training": [
        "Training changes the weights of a model so that its predictions get better.",
        "The model sees an example, its error is measured, and each weight is moved a little.",
        "This is repeated for millions of examples."],
    "inference": [
        "Inference means using a trained model to produce answers.",
        "The weights do not change during inference.",
        "For a language model it consists of prefill and decode."],
    "fine-tuning": [
        "Fine-tuning continues the training of a model on a smaller set of special examples.",
        "It adapts the model to a task or a style.",
        "It needs much less data than training from scratch."],
    "gradient descent": [
        "Gradient descent is a method that makes an error smaller step by step.",
        "It computes in which direction each weight should change and moves it a little that way.",
        "The size of each step is called the learning rate."],
    "overfitting": [
        "Overfitting means that a model has memorised its training data.",
        "It then does well on known examples but badly on new ones.",
        "More data and a held-out test help to find and prevent it."],
    "the context window": [
        "The context window is the number of tokens a model can consider at once.",
        "It holds the prompt and the answer together.",
        "Text that does not fit has to be left out or shortened."],
    "positional encoding": [
        "Positional encoding tells a transformer where each token stands in the text.",
        "Without it the model could not tell the order of the words.",
        "Many models rotate their queries and keys by an angle that depends on the position."],
    "hallucination": [
        "A hallucination is a statement of a language model that sounds right but is false.",
        "It happens because the model predicts likely text and does not check facts.",
        "Giving the model trusted passages makes it less frequent."],
    "prompts": [
        "A prompt is the text that is given to a language model.",
        "A clear prompt says what is wanted and in which form.",
        "Examples in the prompt often make the answer better."],
    "streaming": [
        "Streaming sends an answer piece by piece while it is being written.",
        "The user can start reading before the answer is complete.",
        "Web servers often use server-sent events for it."],
    "mixture of experts": [
        "A mixture of experts is a model in which each token uses only a few parts of the network.",
        "A small router chooses the experts for each token.",
        "This gives a large model the running cost of a smaller one."],
    "perplexity": [
        "Perplexity measures how well a language model predicts a text.",
        "A lower value means that the text surprised the model less.",
        "It is the exponential of the average loss per token."],
    "model evaluation": [
        "Evaluation measures how good the answers of a model are.",
        "It uses questions that the model has not seen in training.",
        "The answers are compared with references or scored by a judge."],
    "scaling": [
        "Scaling means making a model, its data or its hardware larger.",
        "Larger models usually give better answers but cost more to run.",
        "A server can also scale by running several copies of a model."],
    "a scheduler": [
        "A scheduler decides which request is processed next.",
        "In an inference server it forms a batch for every step.",
        "A good scheduler keeps latency low and throughput high."],
}
