// Links the positions of equal ids, for the gradient of an embedding:
//
//   links[2 i]      the next position with the id of position i, or n
//   links[2 i + 1]  1 if an earlier position has it, else 0
//
// ids (n). A workgroup of 256 for each position, folded over x and y, scans
// all ids.

struct Params { n: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> ids: array<i32>;
@group(0) @binding(2) var<storage, read_write> links: array<u32>;

var<workgroup> next: array<u32, 256>;
var<workgroup> earlier: array<u32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let at = wid.x + wid.y * nwg.x;
    var after = p.n;
    var before = 0u;
    if (at < p.n) {
        let id = ids[at];
        for (var j = lid; j < p.n; j = j + 256u) {
            if (ids[j] == id) {
                if (j > at) {
                    after = min(after, j);
                }
                if (j < at) {
                    before = 1u;
                }
            }
        }
    }
    next[lid] = after;
    earlier[lid] = before;
    workgroupBarrier();
    if (lid < 16u) {
        for (var i = lid + 16u; i < 256u; i = i + 16u) {
            after = min(after, next[i]);
            before = max(before, earlier[i]);
        }
        next[lid] = after;
        earlier[lid] = before;
    }
    workgroupBarrier();
    if (lid == 0u && at < p.n) {
        for (var i = 1u; i < 16u; i = i + 1u) {
            after = min(after, next[i]);
            before = max(before, earlier[i]);
        }
        links[2u * at] = after;
        links[2u * at + 1u] = before;
    }
}
