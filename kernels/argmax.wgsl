// Position of the largest element of each row, the first on ties.
//
// x (rows, width), index (rows). A workgroup of GROUP invocations for each
// row, folded over x and y. Elements are compared as integers of the same
// order, in which NaN is 0, below all numbers. GROUP = SIDE^2: the reduction goes
// over columns, then over the columns' results.

struct Params { rows: u32, width: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> index: array<i32>;

var<workgroup> keys: array<u32, {{.GROUP}}>;
var<workgroup> places: array<u32, {{.GROUP}}>;

// order maps floats to integers of the same order, both zeros to the same.
fn order(v: f32) -> u32 {
    let bits = bitcast<u32>(v);
    let magnitude = bits & 0x7fffffffu;
    var key = magnitude | 0x80000000u;
    if (bits != magnitude && magnitude != 0u) {
        key = ~bits;
    }
    return select(key, 0u, magnitude > 0x7f800000u);
}

@compute @workgroup_size({{.GROUP}})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) nwg: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let row = wid.x + wid.y * nwg.x;
    if (row >= p.rows) {
        return;
    }
    var best = 0u;
    var place = 0u;
    for (var i = lid; i < p.width; i = i + GROUP) {
        let key = order(x[row * p.width + i]);
        if (key > best) {
            best = key;
            place = i;
        }
    }
    keys[lid] = best;
    places[lid] = place;
    workgroupBarrier();
    if (lid < SIDE) {
        for (var i = lid + SIDE; i < GROUP; i = i + SIDE) {
            if (keys[i] > best || (keys[i] == best && places[i] < place)) {
                best = keys[i];
                place = places[i];
            }
        }
        keys[lid] = best;
        places[lid] = place;
    }
    workgroupBarrier();
    if (lid == 0u) {
        for (var i = 1u; i < SIDE; i = i + 1u) {
            if (keys[i] > best || (keys[i] == best && places[i] < place)) {
                best = keys[i];
                place = places[i];
            }
        }
        index[row] = i32(place);
    }
}
