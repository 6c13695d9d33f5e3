// Embedding look-up:  out[n][c] = table[ids[n]][c],  0 for an id outside.
//
// table (rows, width), stored as TABLE, of which count rows from first on are
// bound; ids (n / width); out of n elements, written where the id is one of them,
// and by the first range where it is outside. One invocation an element,
// workgroups of 256, folded over x and y.

struct Params { n: u32, rows: u32, width: u32, first: u32, count: u32 }

@group(0) @binding(0) var<uniform> p: Params;
{{template "packed" set . "BINDING" 1 "NAME" "table" "TYPE" .TABLE}}
@group(0) @binding(2) var<storage, read> ids: array<i32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (wid.x + wid.y * nwg.x) * 256u + lid;
    if (i < p.n) {
        // A negative id becomes a large unsigned one.
        let id = bitcast<u32>(ids[i / p.width]);
        if (id - p.first < p.count) {
            out[i] = table_at(id - p.first, i % p.width, p.width);
        } else if (p.first == 0u && id >= p.rows) {
            out[i] = 0.0;
        }
    }
}
