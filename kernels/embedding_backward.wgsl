// Gradient of an embedding look-up:  dtable[ids[i]][c] += dy[i][c].
//
// The first position of an id walks the list of its occurrences (see
// embedding_links.wgsl), so that one invocation alone adds to an element and
// the order of the sum is fixed. dy (n, width), ids (n), links (n, 2),
// dtable (rows, width). Grid: n * blocks workgroups of 256, folded; a block is
// 256 columns.

struct Params { n: u32, rows: u32, width: u32, blocks: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> ids: array<i32>;
@group(0) @binding(3) var<storage, read> links: array<u32>;
@group(0) @binding(4) var<storage, read_write> dtable: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let group = wid.x + wid.y * nwg.x;
    let first = group / p.blocks;
    let col = (group % p.blocks) * 256u + lid;
    if (first < p.n && col < p.width) {
        let id = bitcast<u32>(ids[first]);
        if (id < p.rows && links[2u * first + 1u] == 0u) {
            var sum = 0.0;
            for (var i = first; i < p.n; i = links[2u * i]) {
                sum = sum + dy[i * p.width + col];
            }
            let at = id * p.width + col;
            dtable[at] = dtable[at] + sum;
        }
    }
}
