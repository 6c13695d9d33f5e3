// Transposition by tiles: of the output's axes, "column" is innermost in the
// output (step 1 there, column_step in the input) and "row" is innermost in the
// input (step 1 there, row_step in the output). The other BATCH_AXES axes have
// steps a in the output and b in the input.
//
// A workgroup of 32 x 8 moves a tile of 32 x 32 through workgroup memory, so
// that both loads and stores are contiguous; rows of the tile are padded to 33
// to avoid bank conflicts. One workgroup a tile and batch item, folded.

struct Params {
    row_len: u32, row_step: u32, column_len: u32, column_step: u32,
    tiles_row: u32, tiles_column: u32, batch: u32,
    {{range seq .BATCH_AXES}}len{{.}}: u32, a{{.}}: u32, b{{.}}: u32,
    {{end}}
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

var<workgroup> tile: array<f32, 1056>; // [column][row], 32 x 33

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let g = wid.x + wid.y * nwg.x;
    let row0 = g % p.tiles_row * 32u;
    let column0 = g / p.tiles_row % p.tiles_column * 32u;
    let item = g / p.tiles_row / p.tiles_column;
    let live = item < p.batch;
    var to = 0u;
    var origin = 0u;
    var rest = item;
    {{range seq .BATCH_AXES}}{
        let c = rest % p.len{{.}};
        rest = rest / p.len{{.}};
        to = to + c * p.a{{.}};
        origin = origin + c * p.b{{.}};
    }
    {{end}}
    let fast = lid % 32u;
    let slow = lid / 32u;
    for (var k = slow; k < 32u; k = k + 8u) {
        if (live && row0 + fast < p.row_len && column0 + k < p.column_len) {
            tile[k * 33u + fast] = x[origin + row0 + fast + (column0 + k) * p.column_step];
        }
    }
    workgroupBarrier();
    for (var k = slow; k < 32u; k = k + 8u) {
        if (live && row0 + k < p.row_len && column0 + fast < p.column_len) {
            y[to + (row0 + k) * p.row_step + column0 + fast] = tile[fast * 33u + k];
        }
    }
}
