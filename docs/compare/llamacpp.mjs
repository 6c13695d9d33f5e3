// Times llama.cpp on a GGUF file: reading a prompt of 256 tokens, and writing 32
// tokens (WRITTEN) behind it. Prints tokens per second: of the best run, and by the
// processor time that all runs took. With LLAMACPP_GPU=vulkan it uses the Vulkan
// backend (and its package, linux-x64-vulkan); a software driver only if
// GGML_VK_VISIBLE_DEVICES names it.
//
//     npm install --ignore-scripts node-llama-cpp@3.22.1 @node-llama-cpp/linux-x64@3.22.1
//     python3 docs/compare/gguf.py q8_0 /tmp/q8_0.gguf
//     node docs/compare/llamacpp.mjs /tmp/q8_0.gguf THREADS [RUNS]
//
// node looks for the package beside this file, or in the folder that
// LLAMACPP_MODULES names.
import {pathToFileURL} from "node:url";
import path from "node:path";

const modules = process.env.LLAMACPP_MODULES;
const {getLlama} = await import(
    modules ? pathToFileURL(path.join(modules, "node-llama-cpp/dist/index.js")).href : "node-llama-cpp");

const [file, threads = "2", runs = "5"] = process.argv.slice(2);
const PROMPT = 256, WRITTEN = Number(process.env.WRITTEN ?? 32);

const gpu = process.env.LLAMACPP_GPU || false;
const llama = await getLlama({gpu, build: "never", maxThreads: Number(threads), logLevel: "error"});
const model = await llama.loadModel({modelPath: path.resolve(file), gpuLayers: gpu ? 99 : 0});
const context = await model.createContext({contextSize: 512, batchSize: 256, threads: {ideal: Number(threads), min: Number(threads)}});
const sequence = context.getSequence();
const prompt = Array.from({length: PROMPT}, (_, i) => 300 + (i * 7919) % 31000);

const best = {prompt: Infinity, write: Infinity}, used = {prompt: 0, write: 0};

// clock adds what f takes to the records of a kind.
async function clock(kind, f) {
    const cpu = process.cpuUsage(), start = performance.now();
    await f();
    best[kind] = Math.min(best[kind], performance.now() - start);
    const {user, system} = process.cpuUsage(cpu);
    used[kind] += (user + system) / 1000;
}

for (let run = 0; run <= Number(runs); run++) {
    await sequence.clearHistory();
    await clock("prompt", () => sequence.evaluateWithoutGeneratingNewTokens(prompt));
    await clock("write", async () => {
        // Each result is read back and fed in, as an answer is written.
        let token = 1;
        for (let i = 0; i < WRITTEN; i++) {
            const [out] = await sequence.controlledEvaluate([[token, {generateNext: {token: true, options: {temperature: 0}}}]]);
            token = out.next.token ?? 1;
        }
    });
    if (run === 0 && Number(runs) > 0) { // the first one reads the file into memory
        best.prompt = best.write = Infinity;
        used.prompt = used.write = 0;
    }
}
for (const [kind, tokens] of [["prompt", PROMPT], ["write", WRITTEN]])
    console.log(`${path.basename(file)}\t${kind}\t${(1000 * tokens / best[kind]).toFixed(1)} tokens/s\t`
        + `${(1000 * tokens * Math.max(1, Number(runs)) / used[kind]).toFixed(1)} tokens per second of processor time`);
process.exit(0);
