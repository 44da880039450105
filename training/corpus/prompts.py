"""The prompts of PROMPTS.md: the server and the training data use the very same words."""

JUDGE = 'Judge the response to the prompt by the criterion. Answer as JSON with "score" (1 to 10) and "rationale".'
CRITERIA = {
    "accuracy": "The response is correct and answers the prompt.",
    "clarity": "The response is easy to read and to the point.",
    "reasoning": "The response gives reasons or steps that lead to its conclusion.",
    "factuality": "The facts stated in the response are true.",
    "overall": "The response is good as a whole.",
}
CRITIQUE = "Critique your answer in one or two sentences. Say what is wrong or missing and how to improve it."
REWRITE = "Rewrite your answer using the critique. Reply with the improved answer only."
RAG = ("Answer the question using only the context. Cite the passages you use, like [1]. "
       "If the answer is not in the context, say that you do not know.")
RAG_UNKNOWN = "The context does not say, so I do not know."
UNKNOWN = "I am a very small model and do not know that."


def judge(prompt, response, criterion, reference=None):
    lines = [JUDGE, f"Prompt: {prompt}", f"Response: {response}"]
    if reference is not None:
        lines.append(f"Reference: {reference}")
    lines.append(f"Criterion: {criterion} - {CRITERIA[criterion]}")
    return "\n".join(lines)


def rag(passages, question):
    numbered = "\n".join(f"[{i}] {p}" for i, p in enumerate(passages, 1))
    return f"{RAG}\n\nContext:\n{numbered}\n\nQuestion: {question}"
