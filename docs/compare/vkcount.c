/* Counts the dispatches of any program that uses Vulkan: it stands before the
 * loader and hands out its own vkCmdDispatch.
 *
 *     gcc -shared -fPIC -o /tmp/vkcount.so docs/compare/vkcount.c
 *     LD_PRELOAD=/tmp/vkcount.so PROGRAM
 *
 * prints, at the program's end, how many were recorded and in how many
 * submissions. A program that records each command buffer once and submits it
 * once, as llama.cpp does, runs as many.
 */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <vulkan/vulkan.h>

static atomic_long dispatches, submissions;
static PFN_vkCmdDispatch dispatch;
static PFN_vkCmdDispatchIndirect dispatch_indirect;
static PFN_vkQueueSubmit submit;

static void count(VkCommandBuffer c, uint32_t x, uint32_t y, uint32_t z) {
    dispatches++;
    dispatch(c, x, y, z);
}

static void count_indirect(VkCommandBuffer c, VkBuffer b, VkDeviceSize at) {
    dispatches++;
    dispatch_indirect(c, b, at);
}

static VkResult count_submit(VkQueue q, uint32_t n, const VkSubmitInfo *s, VkFence f) {
    submissions++;
    return submit(q, n, s, f);
}

/* stand_in returns what a program gets that asks for a function. */
static PFN_vkVoidFunction stand_in(const char *name, PFN_vkVoidFunction f) {
    if (f && !strcmp(name, "vkCmdDispatch"))
        return dispatch = (PFN_vkCmdDispatch)f, (PFN_vkVoidFunction)count;
    if (f && !strcmp(name, "vkCmdDispatchIndirect"))
        return dispatch_indirect = (PFN_vkCmdDispatchIndirect)f, (PFN_vkVoidFunction)count_indirect;
    if (f && !strcmp(name, "vkQueueSubmit"))
        return submit = (PFN_vkQueueSubmit)f, (PFN_vkVoidFunction)count_submit;
    return f;
}

static void *loader(const char *name) { return dlsym(dlopen("libvulkan.so.1", RTLD_NOW), name); }

PFN_vkVoidFunction vkGetDeviceProcAddr(VkDevice d, const char *name) {
    return stand_in(name, ((PFN_vkGetDeviceProcAddr)loader("vkGetDeviceProcAddr"))(d, name));
}

PFN_vkVoidFunction vkGetInstanceProcAddr(VkInstance i, const char *name) {
    if (!strcmp(name, "vkGetDeviceProcAddr"))
        return (PFN_vkVoidFunction)vkGetDeviceProcAddr;
    return stand_in(name, ((PFN_vkGetInstanceProcAddr)loader("vkGetInstanceProcAddr"))(i, name));
}

__attribute__((destructor)) static void report(void) {
    if (submissions)
        fprintf(stderr, "%ld dispatches in %ld submissions\n", dispatches, submissions);
}
