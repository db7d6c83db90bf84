"""Text to tokens and back: a prompt x, a response y that ends in EOS, and the boundary between them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

Prompt = str | Sequence[dict]  # text, or messages: [{"role": …, "content": …}, …]
BOUNDARY = "Encoded together"


class Encoder:
    """A tokenizer with fixed rules. Prompt and response are encoded apart, so the boundary is fixed by
    construction; the text of a special token inside either is read as text, never as the token.
    """

    def __init__(self, tokenizer):
        if tokenizer.eos_token_id is None:
            raise ValueError("the tokenizer has no EOS token, so no response can end: set its eos_token")
        self.tokenizer = tokenizer
        special = [re.escape(t.content) for t in tokenizer.added_tokens_decoder.values() if t.special]
        self._special = re.compile("|".join(special) or "(?!)")  # (?!) matches nothing

    def prompt(self, prompt: Prompt) -> tuple[list[int], str]:
        """Ids of x, and its last stretch of plain text, the one that could merge with a response."""
        messages = as_messages(prompt)
        if self.tokenizer.chat_template:
            ids, tail = self._chat(messages)
        elif isinstance(prompt, str):
            ids, tail = [*self._bos(), *self.text(prompt)], prompt
        else:
            raise ValueError("the tokenizer has no chat template for messages: give the prompt as a string")
        if not ids:
            raise ValueError("the prompt is empty, and nothing predicts the first token: give a word")
        return ids, tail

    def response(self, response: str) -> list[int]:
        """Ids of y, EOS appended: (T,)."""
        if not isinstance(response, str):
            hint = "; give the content of its last message" if isinstance(response, list) else ""
            raise TypeError(f"response must be a string, not {type(response).__name__}{hint}")
        return [*self.text(response), self.tokenizer.eos_token_id]

    def text(self, text: str) -> list[int]:
        """Ids of plain text: nothing added, special tokens not recognised."""
        try:
            return self.tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        except TypeError as error:
            raise ValueError(f"{text!r:.60} is no text to encode: is half a character in it?") from error

    def _bos(self) -> list[int]:
        """[BOS] where this tokenizer begins a text with it, else []."""
        bos = self.tokenizer.bos_token_id
        return [bos] if bos is not None and self.tokenizer.encode("")[:1] == [bos] else []

    def _chat(self, messages: list[dict]) -> tuple[list[int], str]:
        from jinja2 import TemplateError

        render = partial(self.tokenizer.apply_chat_template, messages, add_generation_prompt=True)
        try:
            ids = render(return_dict=False, sanitize_control_tokens=True)
            text = render(tokenize=False)
        except TemplateError as error:
            raise ValueError(f"the chat template refuses these messages: {error}") from error
        return ids, self._special.split(text)[-1]

    def boundary_warning(self, tail: str, response: str) -> str | None:
        """What to say where encoding x and y joined gives other tokens than encoding them apart."""
        apart, joined = self.text(tail) + self.text(response), self.text(tail + response)
        if not (tail and response) or apart == joined:
            return None
        i = next((i for i, (a, b) in enumerate(zip(apart, joined, strict=False)) if a != b), 0)
        here, there = ([self.piece(token) for token in ids[i : i + 3]] for ids in (apart, joined))
        return (
            f"{BOUNDARY}, prompt and response give other tokens where they meet: {there}, not {here}. "
            "The score uses the tokens encoded apart. A space between the two is best put in the response."
        )

    def piece(self, token_id: int) -> str:
        """One token as text; decoded after EOS, so that a leading space is kept."""
        eos = self.tokenizer.eos_token_id
        return self._decode([eos, token_id]).removeprefix(self._decode([eos]))

    def decode(self, ids: list[int]) -> str:
        """Ids as text, special tokens left out."""
        return self._decode(ids, skip_special_tokens=True)

    def _decode(self, ids: list[int], **options) -> str:
        return self.tokenizer.decode(ids, clean_up_tokenization_spaces=False, **options)


def as_messages(prompt: Prompt) -> list[dict]:
    """A prompt as messages; TypeError where it is neither a string nor a list of {role, content}."""
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    if isinstance(prompt, (list, tuple)) and prompt and all(map(_is_message, prompt)):
        return list(prompt)
    raise TypeError(
        "prompt must be a string or a list of {'role': str, 'content': str} messages, "
        f"not {type(prompt).__name__} {str(prompt)[:60]!r}"
    )


def _is_message(message) -> bool:
    return isinstance(message, dict) and all(isinstance(message.get(key), str) for key in ("role", "content"))
