{{- /*
Included by the tiled attention shaders: which rows an invocation loads for the
scores; of side "a" once, of side "b" for every tile. With VEC it loads four rows
by four columns of one side, else one column of some rows of both. Rows that are
not there are replaced by the last: what comes of them is not used.
Argument: the side.
*/ -}}
{{if eq (index .Args 0) "a" -}}
let last_a = base_a + (end_a - 1u) * stride_a;
{{- if .VEC}}
let d_quad = lid % 4u;
let quad = lid / 4u;
let on_a = quad < TY;
let put = select(X_AT + quad - TY + d_quad * B_ROW, quad + d_quad * A_ROW, on_a);
let put_step = select(4u * B_ROW, 4u * A_ROW, on_a);
var rows = base_a + (first_a + 4u * quad) * stride_a;
{{- else}}
let lane = lid % 16u;
let quad = lid / 16u;
let a0 = base_a + (first_a + 4u * quad) * stride_a + lane;
{{- end}}
{{- else -}}
let last_b = base_b + (end_b - 1u) * stride_b;
{{- if .VEC}}
if (!on_a) {
    rows = base_b + (first_b + (quad - TY) % LANES + (quad - TY) / LANES * (4u * LANES)) * stride_b;
}
{{- else}}
let b0 = base_b + (first_b + quad % LANES + quad / LANES * (4u * LANES)) * stride_b + lane;
{{- end}}
{{- end}}
