#!/usr/bin/env bash
# Makes the toy world and trains everything on it, into out/. Run it from the
# top of the repository; it can be interrupted and run again. What it takes is
# in docs/toyworld.md.
set -euo pipefail
recipe=train/recipes/toyworld
world=out/toyworld
mkdir -p out
CGO_ENABLED=0 go build -o out/llana ./cmd/llana
llana=out/llana

# Scenes, NeRFs, captions, questions, tokenizer.
$llana toyworld --out $world --seed 1 --scenes 12000

# NeRF weights to spatial tokens.
$llana train weights2space --config $recipe/weights2space.yaml --resume
for split in train val shapenerf_test; do
    $llana encode --weights2space out/toyworld-weights2space/weights2space.safetensors \
        --out $world/$split/vecs $world/$split/nerfs
done

# Language alone, then alignment, then everything; and the same with the mean
# of an object's tokens instead of the tokens.
rows=$(grep -o '[0-9]*' $world/tokenizer/added_tokens.json | sort -n | tail -1)
sed "s/VOCAB/$((rows + 1))/" $recipe/config.json > $world/tokenizer/config.json
$llana train text --config $recipe/text.yaml --resume
$llana train stage1 --config $recipe/stage1.yaml --resume
$llana train stage2 --config $recipe/stage2.yaml --resume
$llana train stage1 --config $recipe/stage1.yaml --resume \
    --set pool_tokens=mean --set output_dir=out/toyworld-stage1-pooled
$llana train stage2 --config $recipe/stage2.yaml --resume \
    --set pool_tokens=mean --set model_name_or_path=out/toyworld-stage1-pooled --set output_dir=out/toyworld-stage2-pooled
