{{- /*
Included by the tiled attention shaders: the layout of their work and memory.

A workgroup of 256 invocations goes over pairs of tiles: BM rows that it owns,
side A (queries, but keys in attention_dkv), and BN rows of side B. It computes
the tile of scores, BM x BN, as a product over the head size
(attention_scores.wgsl), and adds weights times rows of side B to its output, BM
rows of up to LANES (4 QUADS + 2 PAIRS) columns (attention_product.wgsl).

Invocation lid is (tx, ty) = (lid % LANES, lid / LANES). It owns the rows
4 ty .. 4 ty + 3 of side A. Of side B it owns, for the scores, the SCORES rows
tx + LANES m: a variable for each, a vec4 over the rows of A. Of the output it
owns, in each of its rows, the vec4 at columns 4 (LANES c + tx) for c below
QUADS, and behind all these, with PAIRS, two columns.

The included texts use these names of main: lid, tx, ty; column, the block's
first; of each side base, stride and end, base_a and so on: where its rows start,
how far they are apart, and the first row that is not there; and first_a and
first_b, the first rows of the tiles. With VEC, rows are arrays of vec4, and base
and stride count these. All are the same in all invocations of a workgroup.

Workgroup memory holds, for the scores, slices of 16 columns of the head:
[column][row of A / 4] and, from X_AT on, [column][quad of B], a quad being the
rows tx + LANES (4 c + 0 .. 3). For the output: 16 rows of weights,
[row of B][row of A / 4], and from X_AT on 16 rows of side B,
[row][column / 4]; pairs are their columns behind, [row][tx]. Rows are padded so
that neighbours store to different banks.
*/ -}}
const TY: u32 = 256u / LANES;
const BM: u32 = 4u * TY;
const BN: u32 = {{.SCORES}}u * LANES;
const QUADS_B: u32 = BN / 4u;
const A_ROW: u32 = TY + {{if .VEC}}2u{{else}}1u{{end}};
const B_ROW: u32 = QUADS_B + {{if .VEC}}2u{{else}}1u{{end}};
const W_ROW: u32 = TY + 1u;
const X_ROW: u32 = LANES * QUADS;
const X_AT: u32 = 16u * A_ROW;
const TILE: u32 = X_AT + {{if eq .SCORES 8}}16u * B_ROW{{else}}32u * LANES{{end}};

var<workgroup> tile: array<vec4<f32>, TILE>;
{{- if .PAIRS}}
var<workgroup> pairs: array<vec2<f32>, {{mul 16 .LANES}}>;
{{- end}}
