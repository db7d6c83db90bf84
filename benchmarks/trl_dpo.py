"""The same pairs in TRL's DPOTrainer, for those who outgrow one machine: FSDP and DeepSpeed are accelerate's.

accelerate launch benchmarks/trl_dpo.py --output_dir build/trl --beta 0.1     # any option of TRL's DPOConfig
"""

from transformers import AutoModelForCausalLM, AutoTokenizer, HfArgumentParser
from trl import DPOConfig, DPOTrainer

import pedagogy as pg
from pedagogy.policy import BUNDLED

if __name__ == "__main__":
    (settings,) = HfArgumentParser(DPOConfig).parse_args_into_dataclasses()
    folder = BUNDLED["bundled/reference"]  # or the name of any causal model
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    pairs = pg.to_trl(pg.load_pairs())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    trainer = DPOTrainer(model, args=settings, train_dataset=pairs, processing_class=tokenizer)
    trainer.train()
    trainer.save_model()
